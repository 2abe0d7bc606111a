//===- Warp.h - 32 lanes and what they do together --------------*- C++ -*-===//
//
// The state of the threads of a block that a worker runs. Plain data; Block.cpp decides
// who runs, Collective.cpp what instructions of a whole warp compute.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/sim/Fiber.h"
#include "runtime/drivers/sim/Products.h"
#include "runtime/kernels/sim/machine.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace dsv3::runtime::sim {

// The border's own types, under shorter names here.
using MachineThread = dsv3::sim::Thread;
using dsv3::sim::Source;

inline constexpr int warpLanes = 32;

/// What a lane waits for.
enum class Wait : uint8_t {
  Nothing,
  BlockBarrier,
  WarpBarrier,
  Shuffle,
  Ballot,
  Matrices,
  Transposed,
  Multiply,
  MultiplyCodes,
  Phase,   ///< of a barrier in shared memory
  Product, ///< any instruction of wgmma
  StoreMatrices,
  ClusterBarrier,
  NamedBarrier,
  Over
};
inline constexpr size_t waitCount = size_t(Wait::Over) + 1;

/// "wait at a shuffle".
std::string_view nameOf(Wait wait);

class Block;
struct SharedBarrier;
struct Warp;

/// A copy from global to shared memory that was asked for and not waited for.
struct PendingCopy {
  void *to;
  const void *from;
  int bytes;
  uint32_t group;
};

/// A copy from shared memory to a matrix in global memory that was asked for and not waited for.
struct PendingStore {
  TensorBox box;
  uint32_t group;
  uint32_t epoch; ///< of the warp's stores
  const void *site;
  bool done; ///< early, though nobody may know
};

struct Lane : MachineThread {
  Fiber fiber;
  Block *of = nullptr;
  Warp *warp = nullptr;
  uint16_t number = 0; ///< of the thread in the cluster; warps of all blocks have 32
  uint32_t bit = 0;    ///< in its warp
  Wait wait = Wait::Nothing;
  const void *site = nullptr;             ///< where it waits, in the kernel's code
  const SharedBarrier *barrier = nullptr; ///< whose phase it waits for, or did
  bool waited = true;                     ///< for earlier launches
  int namedThreads = 0;                   ///< of the named barrier it waits at, or did
  std::vector<PendingCopy> copies;
  uint32_t group = 0; ///< of copies that come next
  std::vector<PendingStore> stores;
  uint32_t storeGroup = 0; ///< likewise
  /// Of the barrier of the cluster, that it arrived at and has not waited for.
  std::optional<uint32_t> clusterPhase;
};

/// An instruction of wgmma.
struct ProductStep {
  enum Kind : uint8_t { Fence, Begin, Commit, Finish } kind = Fence;
  uint64_t a = 0, b = 0;              ///< descriptors
  uint32_t pending = 0;               ///< groups that may be unfinished
  float *sums = nullptr;              ///< of the lane
  int count = 0;                      ///< of them
  const unsigned *fragment = nullptr; ///< of the lane, in place of a
  bool codes = false, adds = true, transposed = false;
};

/// What a lane brings to a collective instruction, and takes from it.
struct Exchange {
  std::array<uint32_t, 4> words; ///< a fragment; a shuffle has one word
  std::array<uint32_t, 2> second;
  std::array<float, 4> sums;
  const void *row;
  void *to;                   ///< a row, likewise
  const ProductStep *product; ///< in the lane's frame
};

struct Warp {
  size_t number = 0;
  uint32_t lanes = 0;   ///< that there are
  uint32_t ready = 0;   ///< that can run
  uint32_t arrived = 0; ///< at the collective instruction that is under way
  Wait kind = Wait::Nothing;
  uint32_t syncs = 0;  ///< warp barriers so far
  uint32_t stores = 0; ///< of tensors so far
  /// In turns: a lane may come to the next instruction before others took what this one gave.
  uint32_t turn = 0;
  std::array<std::array<Exchange, warpLanes>, 2> exchange;
  WarpProducts products;
  int registers = 0; ///< that setmaxnreg gave it
};

/// Of the lanes that there are, a bit each, those that brought other words than 0.
void ballot(std::array<Exchange, warpLanes> &lanes, uint32_t present);

/// ldmatrix.x4, also with .trans, stmatrix.x4, mma.m16n8k16 of bf16 and mma.m16n8k32 of e4m3 for
/// all lanes, which have brought their operands, in the layouts of the PTX ISA.
void loadMatrices(std::array<Exchange, warpLanes> &lanes);
void loadTransposed(std::array<Exchange, warpLanes> &lanes);
void storeMatrices(const std::array<Exchange, warpLanes> &lanes);
void multiplyMatrices(std::array<Exchange, warpLanes> &lanes);
void multiplyCodes(std::array<Exchange, warpLanes> &lanes);

} // namespace dsv3::runtime::sim
