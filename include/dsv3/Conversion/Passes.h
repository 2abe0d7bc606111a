//===- Passes.h - passes from one dialect to the next -----------*- C++ -*-===//
#pragma once

#include "mlir/Pass/Pass.h"

#include <memory>

namespace dsv3 {

#define GEN_PASS_DECL
#include "dsv3/Conversion/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "dsv3/Conversion/Passes.h.inc"

} // namespace dsv3
