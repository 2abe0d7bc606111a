//===- GpuKernel.h - the ABI of GPU kernels, and their text -----*- C++ -*-===//
//
// What printed kernels and the drivers agree on, as Kernel.h for CPUs; and the file in
// which a bundle keeps the text of all kernels of a variant. Standard library only.
//
// A kernel is a module of its own with one `extern "C" __global__` function. Its
// parameters are, in this order:
//
//   a pointer for each argument of the kern.def (inputs, then destinations), a cache
//     being two, its pages and its page table;
//   the values of its named sizes, int64 each, in the order of the plan;
//   a pointer to the step's failure mark, and uint32 the launch's number in the step;
//   for each line `DSV3_TENSOR_MAP(argument, rows, size, row bytes, box rows)` of the text,
//     in their order, a tensor map (CUtensorMap, 128 bytes) of the matrix that this argument
//     points to, row-major, as bytes, in boxes of so many rows and 128 bytes of each, which
//     are swizzled by 128 bytes. It has so many rows for each of the named size of that place,
//     as the step has them, so that what lies behind is zeros; if that is -1, rows are constant.
//
// It is launched with as many blocks as it has tiles, along x; with as many threads a block as its
// __launch_bounds__ say; and with KernelVariant::scratchBytes of dynamic shared memory. Where the
// text has a line `DSV3_PERSISTENT` its blocks go on until all tiles are done: there are no more of
// them than multiprocessors, in whole clusters, of which there is one at least.
//
// Where the text has a line `DSV3_CLUSTERS(sharing, few tiles, parts, blocks)` there are clusters
// of so many blocks along x that share what they bring, each with a tile of another row. Persistent
// ones may be as many as `sharing` times the tiles, since a row of tiles need have no neighbour.
// Where tiles are few the launch is another one: clusters of up to `parts` blocks along y, a power
// of two, have the same tile and divide its depth, as many as have no more than `blocks` blocks in
// all; or where those are two times too many, but there are no more than `few tiles`, blocks are
// alone. This depends on the tiles alone, so that results do not depend on the GPU.
//
// Where the text has `Launch launch = dependentLaunch(mark, number);` the kernel waits there for
// all earlier launches of its step, and before that touches nothing that they touch: it may be
// launched so that it begins before they have ended (programmatic stream serialization).
//
// The mark is one uint64 in device memory. It is `noFailure` before the step, then the
// least of all that kernels report: number of the launch << 32 | ~code, code being a
// KernelError. Every kernel begins by looking at it, and does nothing if an earlier
// launch failed: its input may be anything then.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Kernel.h"
#include "dsv3/Support/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::plan {

/// Raised by whoever changes what is said here, so that older kernels are refused.
inline constexpr int64_t gpuKernelAbiRevision = 7;

inline constexpr uint64_t noFailure = ~uint64_t(0);
inline constexpr uint32_t failedLaunch(uint64_t mark) { return uint32_t(mark >> 32); }
inline constexpr int32_t failureCode(uint64_t mark) { return int32_t(~uint32_t(mark)); }

/// The function's name: that of the kernel, with a low line for what C++ does not allow.
std::string gpuFunctionName(std::string_view symbol);

/// A kernel as text for NVRTC.
struct KernelText {
  std::string symbol;
  std::string text;
  bool operator==(const KernelText &) const = default;
};

/// A matrix that a kernel wants a tensor map of.
struct MappedMatrix {
  int64_t argument, rowsEach, size, rowBytes, boxRows;

  /// The rows of a step with such sizes of the kernel.
  int64_t rowsOf(const std::vector<int64_t> &sizes) const {
    return size < 0 ? rowsEach : rowsEach * sizes[size_t(size)];
  }
  bool operator==(const MappedMatrix &) const = default;
};
/// Those of a text's lines. Fails where one holds something else. Any text may be given.
Expected<std::vector<MappedMatrix>> mappedMatricesOf(const KernelText &kernel);
/// Fails unless a launch with so many arguments and sizes has all of them; `where` names it.
Status checkMatrices(const std::vector<MappedMatrix> &matrices, size_t arguments, size_t sizes,
                     const std::string &where);

/// How the line begins by which a text says that its kernel may begin before earlier launches of
/// its step have ended.
inline constexpr std::string_view dependentLine = "  Launch launch = dependentLaunch";
/// A line that says that blocks are persistent, and how those begin that tell of clusters and ask
/// for a tensor map.
inline constexpr std::string_view persistentLine = "DSV3_PERSISTENT\n",
                                  clustersLine = "DSV3_CLUSTERS(",
                                  tensorMapLine = "DSV3_TENSOR_MAP(";
bool isDependent(const KernelText &kernel);

/// The blocks of a launch: `columns` along x, in clusters of `sharing`, and `parts` along y, which
/// are those of a cluster.
struct LaunchGrid {
  int64_t columns = 0, sharing = 1, parts = 1;

  int64_t blocks() const { return columns * parts; }
  int64_t clusterBlocks() const { return sharing * parts; }
  bool operator==(const LaunchGrid &) const = default;
};

/// How many blocks a kernel has, as its text says.
struct GridShape {
  bool persistent = false;
  int64_t sharing = 1, fewTiles = 0, mostParts = 1, mostBlocks = 0;

  /// Of a launch with so many tiles on a GPU with so many multiprocessors.
  LaunchGrid of(int64_t tiles, int64_t multiprocessors) const;
  bool operator==(const GridShape &) const = default;
};
/// Fails where the line of clusters holds something else. Any text may be given.
Expected<GridShape> gridShapeOf(const KernelText &kernel);

/// The file of a variant's kernels: each follows a line that names it. Exact: what is parsed
/// is what was joined.
std::string joinKernelTexts(std::string_view variant, const std::vector<KernelText> &kernels);
/// `where` names the file in a failure. Any bytes may be given.
Expected<std::vector<KernelText>> splitKernelTexts(std::string_view file, const std::string &where);

} // namespace dsv3::plan
