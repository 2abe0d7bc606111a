//===- Activations.h - what rows of products can be narrowed to -*- C++ -*-===//
//
// One rule for the command lines of the compiler, the interpreter and dsv3-run.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <string>

namespace dsv3::plan {

/// Fails unless dsv3-narrow-activations can narrow the rows of products to `activations` (f32:
/// leaves them) under that policy, with weights encoded as `weights`; empty: as stored.
Status checkActivations(const std::string &policy, const std::string &activations,
                        const std::string &weights);

} // namespace dsv3::plan
