//===- Arena.h - device memory that is checked ------------------*- C++ -*-===//
//
// Buffers of a simulated GPU in one range of addresses, with a gap behind each; no address
// is given out twice.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/sim/check/Shadow.h"
#include "runtime/hal/Device.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace dsv3::runtime::sim {

/// Outlives its buffers; used by one thread at a time.
class Arena {
public:
  static Expected<std::unique_ptr<Arena>> create();
  ~Arena();
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;

  Expected<std::unique_ptr<Buffer>> allocate(int64_t bytes, std::string_view what);
  /// Nobody has written to the buffer.
  void forget(const Buffer &buffer) const;
  const Shadow &shadow() const { return *ofAll; }
  /// "16 bytes behind the end of the weights, which have 1024": where a place is that no buffer
  /// holds.
  std::string describe(const void *place) const;

private:
  class ArenaBuffer;
  struct Known {
    size_t bytes;
    std::string what;
    bool freed;
  };
  Arena() = default;
  void release(const std::byte *start);

  std::byte *begin = nullptr, *next = nullptr;
  std::unique_ptr<Shadow> ofAll;
  std::map<const std::byte *, Known> known; ///< by their first byte
};

} // namespace dsv3::runtime::sim
