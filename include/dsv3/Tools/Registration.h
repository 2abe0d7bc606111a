//===- Registration.h - what every compiler tool knows ----------*- C++ -*-===//
#pragma once

#include <functional>

namespace mlir {
class DialectRegistry;
class MLIRContext;
} // namespace mlir

namespace dsv3 {

/// Registers dsv3, kern and the upstream dialects that modules of ours hold.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers our passes and the upstream ones that pipelines of ours use.
void registerAllPasses();

/// Does the work of a tool whose command line LLVM parses, and returns its exit code. --version
/// prints that of dsv3, and a command line that LLVM refuses ends as in our other tools: LLVM
/// itself would exit with 1. Call it once.
int withLlvmCommandLine(const char *program, const std::function<int()> &work);

/// From now on diagnostics of `context` appear on stderr as the tool's own failures do:
/// "PROGRAM: what is wrong".
void sayDiagnostics(mlir::MLIRContext &context, const char *program);

} // namespace dsv3
