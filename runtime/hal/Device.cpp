//===- Device.cpp - checks that all drivers share -------------------------===//

#include "runtime/hal/Device.h"

using namespace dsv3;
using namespace dsv3::runtime;

Status runtime::checkRange(const Buffer &buffer, int64_t offset, size_t bytes) {
  if (offset < 0 || offset > buffer.bytes() || bytes > size_t(buffer.bytes() - offset)) {
    return Failure{"expected a range inside of a buffer of " + std::to_string(buffer.bytes()) +
                   " bytes, found " + std::to_string(bytes) + " bytes at " +
                   std::to_string(offset)};
  }
  return {};
}
