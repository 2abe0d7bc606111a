//===- Registration.h - what every compiler tool knows ----------*- C++ -*-===//
#pragma once

namespace mlir {
class DialectRegistry;
class MLIRContext;
} // namespace mlir

namespace dsv3 {

/// Registers dsv3, kern and the upstream dialects that modules of ours hold.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers our passes and the upstream ones that pipelines of ours use.
void registerAllPasses();

/// From now on diagnostics of `context` appear on stderr as the tool's own failures do:
/// "PROGRAM: what is wrong".
void sayDiagnostics(mlir::MLIRContext &context, const char *program);

} // namespace dsv3
