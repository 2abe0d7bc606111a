//===- MappingNames.h - which memory is which file ---------------*- C++ -*-===//
//
// Shortening a file that is mapped ends its readers with a signal. Whoever maps one lists
// its name here, so that what handles the signal can say which file it was. Maps nothing
// itself. Standard library only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace dsv3 {

/// The name of a mapping, listed as long as this lives. Movable; made and destroyed by any
/// thread.
class MappingName {
public:
  MappingName() = default;
  /// Keeps the end of names that are very long. Beyond a thousand entries nothing is entered.
  MappingName(const void *begin, uint64_t bytes, std::string_view name);
  MappingName(MappingName &&other) noexcept;
  MappingName &operator=(MappingName &&other) noexcept;
  ~MappingName();

private:
  int slot = -1;
};

/// The name of the file that lies at `address`; null if none is known. May be called by a
/// signal's handler.
const char *mappingNameAt(const void *address);

} // namespace dsv3
