//===- KernelFacts.h - what the family table is asked about -----*- C++ -*-===//
#pragma once

#include "Kernel/Kernel.h"
#include "dsv3/Plan/Families.h"

namespace dsv3 {

/// The facts of a definition of phase kernels. Fails, with a diagnostic, if the size
/// that its rows are counted in has no maximum.
mlir::FailureOr<plan::KernelFacts> kernelFacts(kern::DefOp definition);

/// What the family table says of the configuration that the kernel has for `variant`. Fails with a
/// diagnostic if that is no legal one, with its tiles and scratch memory.
mlir::FailureOr<plan::Configuration> chosenConfig(kern::DefOp definition, llvm::StringRef variant);

} // namespace dsv3
