//===- GpuConfigs.h - configurations of the families of GPUs ----*- C++ -*-===//
//
// Shared memory is that which the device headers (runtime/kernels/cuda) divide; every printed
// kernel asserts that both agree.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Configs.h"

namespace dsv3::plan {

inline constexpr int64_t warpLanes = 32, mostThreads = 256;
/// tile/fma.cuh: bytes of a piece of one side.
inline constexpr int64_t fmaPieceBytes = int64_t(16) * 64 * 4;
/// tile/mma.cuh: bytes of a row of a piece, and the borders at which rows begin.
inline constexpr int64_t mmaRowBytes = 128, mmaChunkBytes = 16;
/// Its rows, columns and pieces in flight.
struct MmaShape {
  int64_t rows, columns, stages;
};
/// Of all that stores what it computes.
inline constexpr MmaShape mmaShape{128, 64, 3};

/// Elements that a copy moves.
inline int64_t chunkElements(DType type) { return mmaChunkBytes * 8 / int64_t(bitSize(type)); }
/// Bytes in which tile/mma.cuh keeps pieces of rows and weight.
int64_t mmaBytes(const KernelFacts &facts, const MmaShape &shape);
/// Why a weight that is rounded on its way cannot have its scales; empty if it can.
std::string scaleRefusal(const KernelFacts &facts);

inline std::string bytesReason(const std::string &what, int64_t bytes, int64_t most) {
  return what + " need " + std::to_string(bytes) + " bytes of shared memory, a block has " +
         std::to_string(most);
}

/// Of gemm, or grouped_gemm.
std::vector<Configuration> gpuProductConfigs(const GpuVariant &variant, const KernelFacts &facts,
                                             bool grouped);
std::vector<Configuration> gpuLatentConfigs(const GpuVariant &variant, const KernelFacts &facts);
std::vector<Configuration> gpuExpandedConfigs(const GpuVariant &variant, const KernelFacts &facts);
Configuration gpuExpandLatentsConfig(const GpuVariant &variant, const KernelFacts &facts);
Configuration gpuPrefillConfig(const GpuVariant &variant, const KernelFacts &facts);

} // namespace dsv3::plan
