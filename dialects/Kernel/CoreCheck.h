//===- CoreCheck.h - constraints that core ops share ------------*- C++ -*-===//
#pragma once

#include "Graph/ShapeCheck.h"
#include "Kernel/Kernel.h"

namespace dsv3::kern {

/// A result takes the place of its destination.
void checkDestination(graph::ShapeCheck &check, mlir::Value destination, mlir::Value result);
/// Shape and element type of an operand that a kernel reads or writes as f32.
void checkF32(graph::ShapeCheck &check, llvm::StringRef name, mlir::Value value,
              llvm::ArrayRef<llvm::StringRef> letters);
/// Shape and element type of activations: f32 or bf16.
void checkActivations(graph::ShapeCheck &check, llvm::StringRef name, mlir::Value value,
                      llvm::ArrayRef<llvm::StringRef> letters);
/// A weight of its own type that is a vector or a table without scales.
void checkFloat(graph::ShapeCheck &check, llvm::StringRef name, mlir::Value value,
                llvm::ArrayRef<llvm::StringRef> letters);
/// One f32 argument, the element of a weight; f32 or bf16 comes out. `aScales`: of the rows that
/// meet the weight, which have no codes then; may be null.
void checkPrologue(graph::ShapeCheck &check, mlir::Region &region, mlir::Value aScales);

} // namespace dsv3::kern
