//===- TensorMismatch.h - does a checkpoint suit a plan ---------*- C++ -*-===//
//
// Compares the tensors that a plan asks for with those of a checkpoint: presence, shape
// and type, before anything is read.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"

namespace dsv3::runtime {

/// Fails with everything that does not fit, like tensors joined in a line.
Status findMismatches(const plan::Plan &plan, const checkpoint::Checkpoint &checkpoint);

} // namespace dsv3::runtime
