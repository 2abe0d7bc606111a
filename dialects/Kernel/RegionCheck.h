//===- RegionCheck.h - constraints of scalar regions ------------*- C++ -*-===//
//
// The regions of rowwise ops, and prologues and epilogues of the others, are run and lowered from
// one closed table of scalar ops; what the verifier lets through, both can do.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Graph/ShapeCheck.h"
#include "Kernel/Kernel.h"

namespace dsv3::kern {

/// Operands of a scalar region: as many access kinds as operands, each operand of f32, bf16 or
/// f16 and of the shape that its kind says: `element` the letters of `element`, `row` the
/// first of them, `column` the last, `group` the letter `group`. None is a group where
/// `group` is empty.
void checkAccess(graph::ShapeCheck &check, mlir::ValueRange inputs, llvm::ArrayRef<int32_t> access,
                 llvm::ArrayRef<llvm::StringRef> element, llvm::StringRef group = {});

/// One block with arguments of these types, ops of dsv3/Support/ScalarOps.def and
/// constants on scalars of the region, and a kern.yield of these types.
void checkRegion(graph::ShapeCheck &check, llvm::StringRef name, mlir::Region &region,
                 mlir::TypeRange arguments, mlir::TypeRange results);

/// Arguments of an epilogue: `parts` f32 accumulators, then the elements of `inputs`. It yields
/// one value of type `result`.
void checkEpilogue(graph::ShapeCheck &check, mlir::Region &region, int64_t parts,
                   mlir::ValueRange inputs, mlir::Type result);

} // namespace dsv3::kern
