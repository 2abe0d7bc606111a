//===- CheckpointParameters.h - weights of a checkpoint, as doubles -*- C++ -*-===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Reference/Interpreter.h"

#include <array>

namespace dsv3::reference {

/// Reads parameters from a mapped checkpoint by their segments. `block` is the
/// checkpoint's own block of scales, rows and columns. The checkpoint must outlive it.
ParameterSource checkpointParameters(const checkpoint::Checkpoint &checkpoint,
                                     std::array<int64_t, 2> block);

} // namespace dsv3::reference
