//===- Cpu.h - code for CPUs ------------------------------------*- C++ -*-===//
//
// Turns the kernels of a configured module into a shared object for one variant:
// family emitters write scf, vector and arith on bare pointers, LLVM compiles them,
// lld links. The object needs nothing from outside, runs no constructor and has one
// exported symbol per kern.def, with the ABI of dsv3/Plan/Kernel.h.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Families.h"
#include "dsv3/Support/Status.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace dsv3 {

namespace cpu {

/// The kernels of `module` (phase configured) as functions of scf, vector, arith and
/// llvm, before they are lowered. Null after a diagnostic.
mlir::OwningOpRef<mlir::ModuleOp> emitKernels(mlir::ModuleOp module,
                                              const plan::CpuVariant &variant);

/// What kernels become on the way to an object, for people.
struct CodeText {
  std::string llvm; ///< LLVM IR after all optimisation
  std::string assembly;
};

/// Compiles what emitKernels gave, which it consumes, to the bytes of an ELF object. Fills
/// `text` unless it is null; the bytes are the same either way.
Expected<std::string> compileObject(mlir::OwningOpRef<mlir::ModuleOp> module,
                                    const plan::CpuVariant &variant, CodeText *text = nullptr);

/// Links the bytes of an object to those of a shared object, in memory. Fails if a symbol is
/// undefined. Same bytes in, same bytes out.
Expected<std::string> linkSharedObject(const std::string &object);

} // namespace cpu

} // namespace dsv3
