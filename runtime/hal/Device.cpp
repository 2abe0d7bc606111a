//===- Device.cpp - what buffers of all devices have in common ------------===//

#include "runtime/hal/Device.h"

using namespace dsv3;

Status runtime::Buffer::checkRange(int64_t offset, size_t size) const {
  if (offset < 0 || offset > bytes() || size > size_t(bytes() - offset)) {
    return Failure{"expected a range inside of a buffer of " + std::to_string(bytes()) +
                   " bytes, found " + std::to_string(size) + " bytes at " + std::to_string(offset)};
  }
  return {};
}
