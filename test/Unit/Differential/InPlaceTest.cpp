//===- InPlaceTest.cpp - weights that stay where they are -----------------===//
//
// Longer rows than those of models in Models.h: of few rows the columns are summed in blocks
// (lib/Plan/FamilyConfigs.cpp), the last of which has fewer.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

static const char *const products = R"(
  #T = #dsv3.dims<"T">
  kern.def @few kind "test" family "gemm" sizes ["T"]
      ins(%a: tensor<?x2080xf32, #T>, %w: tensor<64x2080xbf16>)
      outs(%o: tensor<?x64xf32, #T>) maxima [#dsv3.size<"T", max = 16>] {
    %y = kern.gemm ins(%a, %w : tensor<?x2080xf32, #T>, tensor<64x2080xbf16>)
      outs(%o : tensor<?x64xf32, #T>) epilogue() [] {
    ^bb0(%p: f32):
      kern.yield %p : f32
    } {in_place} -> tensor<?x64xf32, #T>
    kern.yield %y : tensor<?x64xf32, #T>
  }
  kern.def @parts kind "test" family "gemm" sizes ["T"]
      ins(%a: tensor<?x1120xf32, #T>, %w: tensor<128x1120xbf16>)
      outs(%o: tensor<?x64xf32, #T>) maxima [#dsv3.size<"T", max = 16>] {
    %y = kern.gemm ins(%a, %w : tensor<?x1120xf32, #T>, tensor<128x1120xbf16>)
      outs(%o : tensor<?x64xf32, #T>) parts 2 epilogue() [] {
    ^bb0(%gate: f32, %up: f32):
      %p = arith.mulf %gate, %up : f32
      kern.yield %p : f32
    } {in_place} -> tensor<?x64xf32, #T>
    kern.yield %y : tensor<?x64xf32, #T>
  })";

TEST(InPlace, FewRowsAndManyColumns) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  // Two and three rows go over whole rows of the weight alone, five are two groups of rows.
  for (int64_t most : {2, 3, 5, 16}) {
    std::string text =
        std::regex_replace(products, std::regex("max = 16"), "max = " + std::to_string(most));
    OwningOpRef<ModuleOp> module = configured(text, context);
    ASSERT_TRUE(module);
    compareKernels(*module, most);
    compareEveryCount(*module, most);
  }
}
