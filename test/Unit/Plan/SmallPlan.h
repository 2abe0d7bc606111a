//===- SmallPlan.h - a plan that uses every kind of field -------*- C++ -*-===//
#pragma once

#include "dsv3/Plan/Plan.h"

namespace dsv3::test {

/// Two variants, two layers, a body with formals, scales, ports, observations.
/// It is valid, but no kernels for it exist.
plan::Plan smallPlan();

} // namespace dsv3::test
