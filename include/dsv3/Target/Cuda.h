//===- Cuda.h - kernels as CUDA text ----------------------------*- C++ -*-===//
//
// Prints the kernels of a configured module as CUDA C++ for NVRTC: short texts that
// instantiate the families of runtime/kernels/cuda, with the ABI of
// dsv3/Plan/GpuKernel.h. Includes no header of a toolkit and calls none of its programs.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Kernel/Kernel.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/GpuKernel.h"

#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace dsv3::cuda {

/// The kernels of `module` (phase configured), which is not changed, for `variant`. The same
/// module gives the same bytes. Fails with a diagnostic where GPUs have no code for a kernel.
mlir::FailureOr<std::vector<plan::KernelText>> printKernels(mlir::ModuleOp module,
                                                            const plan::GpuVariant &variant);

/// One of them: `definition` is a kernel of the module.
mlir::FailureOr<plan::KernelText> printKernel(mlir::ModuleOp module, kern::DefOp definition,
                                              const plan::GpuVariant &variant);

} // namespace dsv3::cuda
