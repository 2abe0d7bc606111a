//===- TieTest.cpp - choices among equals are alike -----------------------===//
//
// Numbers of a distribution are never equal; those of a real router are, where experts are
// alike or a weight is zero. Then the lowest expert wins, in code as in the reference. So does
// the lowest token, and none among those that are no numbers.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include <gtest/gtest.h>

#include <random>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

/// A router of 16 experts in 4 groups, 2 of which are admitted; 4 experts of a token, with a
/// negative scale in the opposite order.
static std::string router(const std::string &scale) {
  return R"(
  #T = #dsv3.dims<"T">
  kern.def @router kind "test" family "router" sizes ["T"]
      ins(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>)
      outs(%eo: tensor<?x4xi32, #T>, %wo: tensor<?x4xf32, #T>)
      maxima [#dsv3.size<"T", max = 64>] {
    %e, %w = kern.router ins(%l, %b : tensor<?x16xf32, #T>, tensor<16xf32>)
      outs(%eo, %wo : tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) groups 4 of 2 scale )" +
         scale + R"( normalise -> tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
    kern.yield %e, %w : tensor<?x4xi32, #T>, tensor<?x4xf32, #T>
  })";
}

static void compareTies(const std::string &scale) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(router(scale), context);
  ASSERT_TRUE(module);
  constexpr int64_t tokens = 64;
  std::mt19937_64 random(20); // NOLINT(bugprone-random-generator-seed): the same every time
  forEachKernel(*module, [&](kern::DefOp definition, const plan::CpuVariant &variant,
                             plan::KernelFunction function) {
    KernelInputs inputs = makeInputs(definition, tokens);
    // Two scores, and no sum of two of them that is also another one.
    for (int64_t i = 0; i < inputs.tensors[0].size(); ++i) {
      inputs.tensors[0][i] = static_cast<double>(random() % 2);
    }
    for (int64_t i = 0; i < inputs.tensors[1].size(); ++i) {
      inputs.tensors[1][i] = 0;
    }
    std::vector<double> wanted = interpret(definition, inputs)[0];
    std::vector<double> found = execute(definition, variant, function, inputs, 0)[0];
    EXPECT_EQ(found, wanted) << variant.name.data();
    // A token whose experts are all alike gets the first ones, of the first groups.
    for (int64_t i = 0; i < 16; ++i) {
      inputs.tensors[0][i] = 0;
    }
    found = execute(definition, variant, function, inputs, 0)[0];
    found.resize(4);
    EXPECT_EQ(found, (std::vector<double>{0, 1, 2, 3}));
  });
}

TEST(Ties, TheLowestExpertWins) { compareTies("2.5"); }

TEST(Ties, TheLowestExpertWinsInTheOppositeOrder) { compareTies("-2.5"); }

TEST(Ties, TheLowestTokenWins) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  compareKernels(*sampleKernels(context));
}
