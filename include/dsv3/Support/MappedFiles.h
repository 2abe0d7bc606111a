//===- MappedFiles.h - which memory is which file ---------------*- C++ -*-===//
//
// Shortening a file that is mapped ends its readers with a signal. Whoever maps one enters
// it here, so that what handles the signal can name the file. Standard library only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dsv3 {

/// An entry, there as long as it lives. Movable; made and destroyed by any thread.
class MappedFile {
public:
  MappedFile() = default;
  /// Keeps the end of names that are very long. Beyond a thousand entries nothing is entered.
  MappedFile(const void *begin, uint64_t bytes, std::string_view name);
  MappedFile(MappedFile &&other) noexcept;
  MappedFile &operator=(MappedFile &&other) noexcept;
  ~MappedFile();

private:
  int slot = -1;
};

/// The name of the file that lies at `address`; null if none is known. May be called by a
/// signal's handler.
const char *mappedFileAt(const void *address);

} // namespace dsv3
