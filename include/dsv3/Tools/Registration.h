//===- Registration.h - what every compiler tool knows ----------*- C++ -*-===//
#pragma once

namespace mlir {
class DialectRegistry;
}

namespace dsv3 {

/// Registers dsv3, kern and the upstream dialects that modules of ours hold.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers our passes and the upstream ones that pipelines of ours use.
void registerAllPasses();

} // namespace dsv3
