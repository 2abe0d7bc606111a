//===- EmitKernel.h - the functions of a kernel -----------------*- C++ -*-===//
#pragma once

#include "Kernel/Kernel.h"
#include "dsv3/Plan/Families.h"

#include "mlir/IR/BuiltinOps.h"

namespace dsv3::cpu {

/// Writes the code of `definition`, configured for `variant`, into `module`: a function
/// of the ABI (dsv3/Plan/Kernel.h) with the definition's name, and a private one that
/// walks the tiles. Fails with a diagnostic where the CPU has no code for it.
mlir::LogicalResult emitKernel(mlir::ModuleOp module, kern::DefOp definition,
                               const plan::CpuVariant &variant);

} // namespace dsv3::cpu
