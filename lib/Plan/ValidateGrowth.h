//===- ValidateGrowth.h - how large a plan becomes --------------*- C++ -*-===//
//
// The part of validate() that bounds what a small file makes its reader do.
// Private to lib/Plan.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"

namespace dsv3::plan::detail {

/// Refuses a plan whose calls of bodies, in all entries together, expand to more than an
/// executor should hold. Looks at each body once; calls of bodies that do not exist are
/// not counted.
Status checkExpansion(const Plan &plan);

/// Refuses a plan whose parameters, over layers and experts, name more tensors than a
/// checkpoint can have.
Status checkTensorCount(const Plan &plan);

} // namespace dsv3::plan::detail
