//===- Async.h - barriers in shared memory, and what arrives there -*- C++ -*-===//
//
// mbarriers of a block that runs, and the tensor copies that are under way. Plain data;
// AsyncInstructions.cpp decides when phases end.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/sim/Tensor.h"
#include "runtime/drivers/sim/Warp.h"
#include "runtime/drivers/sim/check/Clocks.h"

#include <map>
#include <vector>

namespace dsv3::runtime::sim {

struct SharedBarrier {
  size_t number = 0;   ///< of the block, in the order of their initialisation
  int initialiser = 0; ///< thread
  bool fenced = false; ///< by it: tensor copies may arrive
  int expected = 0;    ///< arrivals that end a phase
  int missing = 0;     ///< of the present one
  int64_t bytes = 0;   ///< of tensor copies that are missing; negative before they are expected
  uint32_t phase = 0;
  std::vector<Lane *> waiting;
  Clock arrived, ended; ///< what those knew who arrived so far, and until the last phase ended
};

struct TensorCopy {
  TensorBox box;
  SharedBarrier *barrier;
};

struct AsyncState {
  std::map<const void *, SharedBarrier> barriers;
  std::vector<TensorCopy> copies;

  void reset() {
    barriers.clear();
    copies.clear();
  }
};

} // namespace dsv3::runtime::sim
