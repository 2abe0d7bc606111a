//===- CudaStaging.h - large copies to a GPU --------------------*- C++ -*-===//
//
// A GPU reads page-locked memory by itself, at the rate of its bus; other memory the driver
// copies first, while nothing else goes on. So large copies go through two pieces of page-locked
// memory in turn: one is filled while the GPU reads the other.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/cuda/CudaContext.h"

#include <array>
#include <cstddef>
#include <memory>
#include <span>

namespace dsv3::runtime::cuda {

/// Used by one thread at a time.
class CudaStaging {
public:
  /// Copies of fewer bytes gain nothing.
  static constexpr size_t leastBytes = size_t(64) << 10;

  explicit CudaStaging(std::shared_ptr<const CudaContext> context) : context(std::move(context)) {}
  ~CudaStaging();
  CudaStaging(const CudaStaging &) = delete;
  CudaStaging &operator=(const CudaStaging &) = delete;

  /// Copies `from` to the device in the order of the context's stream; `from` has been read when
  /// this returns. Where the system locks no pages the driver copies.
  Status copy(DevicePointer to, std::span<const std::byte> from);

private:
  static constexpr size_t pieceBytes = size_t(4) << 20;
  struct Piece {
    std::byte *memory = nullptr;
    Event read = nullptr; ///< the GPU has read what was in it
    bool used = false;
  };
  bool reserve();
  void release();

  std::shared_ptr<const CudaContext> context;
  std::array<Piece, 2> pieces;
  size_t next = 0;
  bool refused = false; ///< by the system
};

} // namespace dsv3::runtime::cuda
