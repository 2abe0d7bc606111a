//===- Passes.h - passes over the dsv3 dialect ------------------*- C++ -*-===//
#pragma once

#include "mlir/Pass/Pass.h"

#include <memory>

namespace dsv3 {

#define GEN_PASS_DECL
#include "dsv3/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dsv3/Transforms/Passes.h.inc"

} // namespace dsv3
