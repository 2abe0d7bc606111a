//===- Registration.cpp - what every compiler tool knows ------------------===//
#include "dsv3/Tools/Registration.h"

#include "Check/Check.h"
#include "Graph/Graph.h"
#include "Kernel/Kernel.h"
#include "Plan/Plan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Transforms/Passes.h"

#include "dsv3/Conversion/Passes.h"
#include "dsv3/Transforms/Passes.h"

void dsv3::registerAllDialects(mlir::DialectRegistry &registry) {
  registry
      .insert<check::CheckDialect, graph::GraphDialect, kern::KernelDialect, planir::PlanDialect,
              mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::math::MathDialect>();
}

void dsv3::registerAllPasses() {
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
  registerTransformsPasses();
  registerConversionPasses();
}
