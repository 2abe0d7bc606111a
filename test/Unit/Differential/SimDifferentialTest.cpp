//===- SimDifferentialTest.cpp - every GPU kernel, interpreted and simulated -===//
//
// Two models, whose kernels are FP8 and BF16, ragged and round, with and without groups of
// experts; and both with quantised activations.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

static void compareModel(const std::string &name, const std::string &variant = "sm_80",
                         const std::string &policy = "f32") {
  auto one = llvm::find_if(allCases(), [&](const Case &known) { return known.name == name; });
  ASSERT_NE(one, allCases().end());
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  Case wanted = *one;
  wanted.policy = policy;
  OwningOpRef<ModuleOp> module = compileCase(wanted, context, {variant});
  ASSERT_TRUE(module);
  for (auto function : llvm::make_early_inc_range(module->getOps<func::FuncOp>())) {
    function.erase();
  }
  std::mt19937_64 random(20);
  compareKernelsOnSim(*module, variant, random);
}

TEST(SimKernels, OfNanoDoWhatTheirBodiesSay) { compareModel("nanoBf16"); }
TEST(SimKernels, OfARaggedModelDoWhatTheirBodiesSay) { compareModel("v3Ragged"); }
TEST(SimKernels, OfQuantisedRowsDoWhatTheirBodiesSay) { compareModel("nano", "sm_90a", "w8a8"); }
TEST(SimKernels, OfRaggedQuantisedRowsDoWhatTheirBodiesSay) {
  compareModel("v3Ragged", "sm_90a", "w8a8");
}
