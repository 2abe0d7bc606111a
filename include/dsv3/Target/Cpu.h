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

#include "llvm/ADT/FunctionExtras.h"

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

/// What is left to do for the bytes of an ELF object, once, on any thread and beside others. Fills
/// the text unless it is null; the bytes are the same either way.
using ObjectCompiler = llvm::unique_function<Expected<std::string>(CodeText *)>;

/// Lowers what emitKernels gave, which it consumes, to LLVM IR of its own. `variant`, a row of the
/// table, outlives the compiler.
Expected<ObjectCompiler> lowerKernels(mlir::OwningOpRef<mlir::ModuleOp> module,
                                      const plan::CpuVariant &variant);

/// Links the bytes of an object to those of a shared object, in memory. Fails if a symbol is
/// undefined. Same bytes in, same bytes out.
Expected<std::string> linkSharedObject(const std::string &object);

} // namespace cpu

} // namespace dsv3
