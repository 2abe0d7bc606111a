//===- Fault.h - kernels that touch memory which is not there ---*- C++ -*-===//
//
// Makes failures of the block out of such faults. Without --sim-check most wrong indices go
// unnoticed; those that meet no memory at all do not.
//
//===----------------------------------------------------------------------===//
#pragma once

namespace dsv3::runtime::sim {

class Block;

/// As long as it lives, faults of the calling thread are those of `block`.
class FaultGuard {
public:
  explicit FaultGuard(Block &block);
  ~FaultGuard();
  FaultGuard(const FaultGuard &) = delete;
  FaultGuard &operator=(const FaultGuard &) = delete;
};

} // namespace dsv3::runtime::sim
