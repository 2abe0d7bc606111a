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

#include <initializer_list>
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

static const char *const expertsInPlace = R"(
  #T = #dsv3.dims<"T">
  #E = #dsv3.dims<"T*2">
  kern.def @experts kind "experts" family "grouped_gemm" sizes ["T"]
      ins(%a: tensor<?x2080xf32, #T>, %w: tensor<4x64x2080xbf16>, %off: tensor<5xi32>,
          %r: tensor<?xi32, #E>)
      outs(%o: tensor<?x64xf32, #E>) maxima [#dsv3.size<"T", max = 16>] {
    %y = kern.grouped_gemm
      ins(%a, %w, %off rows %r
          : tensor<?x2080xf32, #T>, tensor<4x64x2080xbf16>, tensor<5xi32> rows tensor<?xi32, #E>)
      outs(%o : tensor<?x64xf32, #E>) epilogue() [] {
    ^bb0(%p: f32):
      kern.yield %p : f32
    } {in_place} -> tensor<?x64xf32, #E>
    kern.yield %y : tensor<?x64xf32, #E>
  })";

/// For steps of up to each of `maxima` tokens.
static void forMaxima(const char *kernels, std::initializer_list<int64_t> maxima,
                      llvm::function_ref<void(ModuleOp, int64_t)> body) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  for (int64_t most : maxima) {
    std::string text =
        std::regex_replace(kernels, std::regex("max = 16"), "max = " + std::to_string(most));
    OwningOpRef<ModuleOp> module = configured(text, context);
    ASSERT_TRUE(module);
    body(*module, most);
  }
}

// Two and three rows go over whole rows of the weight alone, five are two groups of rows.
TEST(InPlace, FewRowsAndManyColumns) {
  forMaxima(products, {2, 3, 5, 16}, [](ModuleOp module, int64_t most) {
    compareKernels(module, most);
    compareEveryCount(module, most);
  });
}

TEST(InPlace, ExpertsOfManyColumns) { forMaxima(expertsInPlace, {3, 16}, compareKernels); }
