//===- SimDifferentialTest.cpp - every GPU kernel, interpreted and simulated -===//
//
// Two models, whose kernels are FP8 and BF16, ragged and round, with and without groups of
// experts.
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

static void compareModel(const Case &one) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = compileCase(one, context, {simVariant});
  ASSERT_TRUE(module);
  for (auto function : llvm::make_early_inc_range(module->getOps<func::FuncOp>())) {
    function.erase();
  }
  std::mt19937_64 random(20);
  compareKernelsOnSim(*module, random);
}

static const Case &caseOf(const std::string &name) {
  auto one = llvm::find_if(allCases(), [&](const Case &known) { return known.name == name; });
  EXPECT_NE(one, allCases().end());
  return *one;
}

TEST(SimKernels, OfNanoDoWhatTheirBodiesSay) { compareModel(caseOf("nanoBf16")); }
TEST(SimKernels, OfARaggedModelDoWhatTheirBodiesSay) { compareModel(caseOf("v3Ragged")); }

// On tensor cores where the policy allows them. CPUs have no code for it.
TEST(SimKernels, OfPolicyBf16DoWhatTheirBodiesSay) {
  Case one = caseOf("nanoBf16");
  one.policy = "bf16";
  compareModel(one);
}
