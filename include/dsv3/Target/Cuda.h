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

#include <cstdint>
#include <vector>

namespace dsv3::cuda {

/// Whether each line of a text is told to stand for the line of the module's file that it comes
/// from: `#line 889 "configured.mlir"`, by the locations of ops, the file without its folder. Then
/// compilers, profilers and the simulated GPU name lines of the module, not of the text.
enum class LineInfo : uint8_t { None, OfModule };

/// The kernels of `module` (phase configured), which is not changed, for `variant`. The same
/// module gives the same bytes. Fails with a diagnostic where GPUs have no code for a kernel.
mlir::FailureOr<std::vector<plan::KernelText>> printKernels(mlir::ModuleOp module,
                                                            const plan::GpuVariant &variant,
                                                            LineInfo lines = LineInfo::None);

/// One of them: `definition` is a kernel of the module.
mlir::FailureOr<plan::KernelText> printKernel(mlir::ModuleOp module, kern::DefOp definition,
                                              const plan::GpuVariant &variant,
                                              LineInfo lines = LineInfo::None);

} // namespace dsv3::cuda
