//===- FileMapping.h - a part of a file as memory ---------------*- C++ -*-===//
//
// Read-only and shared: what the system has read of the file once serves every process
// that maps it, and is given back by the system when memory is short.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/MappingNames.h"
#include "dsv3/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace dsv3::runtime {

/// An owned mapping. Moves, does not copy; addresses stay. Shortening the file on disk
/// ends its readers (SIGBUS), as with every mapped file; see MappedFault.h.
class FileMapping {
public:
  FileMapping() = default;
  FileMapping(FileMapping &&other) noexcept;
  FileMapping &operator=(FileMapping &&other) noexcept;
  ~FileMapping();

  /// Maps `bytes` of an open file from `offset` on, a multiple of 2 MiB, to an address on
  /// the border of a huge page. The file may be closed afterwards. Precondition: the file
  /// has them. `name` is what MappingNames.h calls it.
  static Expected<FileMapping> map(int descriptor, uint64_t offset, uint64_t bytes,
                                   std::string_view name);

  std::span<const std::byte> bytes() const { return {begin, size_t(length)}; }
  /// Reads [first, first + count) so that no later access waits for it. Fails if the file
  /// cannot be read or has become shorter.
  Status fetch(uint64_t first, uint64_t count) const;

private:
  std::byte *begin = nullptr;
  uint64_t length = 0;
  MappingName listedName;
};

} // namespace dsv3::runtime
