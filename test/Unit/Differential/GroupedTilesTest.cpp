//===- GroupedTilesTest.cpp - how the work of experts lies in a grid ------===//
//
// A grid has tiles for the worst case. Threads take stretches of it, long ones first: where few
// experts have rows, these may not all lie in the first stretch.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include "llvm/Support/FormatVariadic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

static constexpr int64_t experts = 32, tokens = 16, entries = 2 * tokens;

/// For steps of up to `most` tokens: of few each entry may have an expert of its own.
static std::string productOfExperts(const std::string &most) {
  return R"(
  #T = #dsv3.dims<"T">
  #E = #dsv3.dims<"T*2">
  kern.def @experts kind "experts" family "grouped_gemm" sizes ["T"]
      ins(%a: tensor<?x24xf32, #T>, %w: tensor<32x512x24xf32>, %off: tensor<33xi32>,
          %r: tensor<?xi32, #E>)
      outs(%o: tensor<?x512xf32, #E>) maxima [#dsv3.size<"T", max = )" +
         most + R"(>] {
    %y = kern.grouped_gemm
      ins(%a, %w, %off rows %r
          : tensor<?x24xf32, #T>, tensor<32x512x24xf32>, tensor<33xi32> rows tensor<?xi32, #E>)
      outs(%o : tensor<?x512xf32, #E>) epilogue() [] {
    ^bb0(%p: f32):
      kern.yield %p : f32
    } -> tensor<?x512xf32, #E>
    kern.yield %y : tensor<?x512xf32, #E>
  })";
}

/// Runs one of `shares` equal stretches of the tiles; how many numbers are written.
static int64_t writtenBy(Execution &execution, plan::KernelFunction function,
                         const KernelInputs &inputs, uint32_t share, uint32_t shares) {
  KernelResults results = execution.run(inputs, [&](const KernelCall &call) {
    TileRun run(function, call);
    EXPECT_EQ(run(run.tiles() * share / shares, run.tiles() * (share + 1) / shares), 0);
  });
  return std::ranges::count_if(results[0], [](double value) { return !std::isnan(value); });
}

static void expectSpread(const std::string &most) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(productOfExperts(most), context);
  ASSERT_TRUE(module);
  forEachKernel(*module, [&](kern::DefOp definition, const plan::CpuVariant &variant,
                             plan::KernelFunction function) {
    for (int64_t used : {1, 4, 32}) {
      KernelInputs inputs = makeInputs(definition, tokens);
      for (int64_t e = 0; e <= experts; ++e) {
        int64_t offset = std::min(e, used) * entries / used;
        inputs.tensors[2][e] = static_cast<double>(offset);
      }
      Execution execution(definition, variant.name, inputs);
      constexpr uint32_t shares = 2;
      int64_t all = 0;
      for (uint32_t share = 0; share < shares; ++share) {
        int64_t written = writtenBy(execution, function, inputs, share, shares);
        EXPECT_GE(written, entries * 512 / shares / 2) << variant.name << ", " << used;
        all += written;
      }
      EXPECT_EQ(all, entries * 512) << variant.name << ", " << used << " experts";
    }
  });
}

TEST(GroupedTiles, OfFewExpertsAreSpread) { expectSpread("16"); }
TEST(GroupedTiles, OfLargeStepsAreSpread) { expectSpread("600"); }

// Room for some entries of each expert, of which one has none and one as many as there is room for;
// nobody writes what is behind the last.
TEST(GroupedTiles, OfMaskedExpertsDoWhatTheirBodiesSay) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  for (int64_t capacity : {3, 40}) {
    std::string text = llvm::formatv(R"(
  !a = tensor<{0}x24xf32>
  !o = tensor<{0}x100xf32>
  !w = tensor<5x100x24xbf16>
  kern.def @masked kind "experts" family "grouped_gemm" sizes []
      ins(%a: !a, %w: !w, %n: tensor<5xi32>) outs(%o: !o) {{
    %y = kern.grouped_gemm ins(%a, %w, %n capacity {1} : !a, !w, tensor<5xi32>)
      outs(%o : !o) epilogue() [] {{
    ^bb0(%p: f32):
      kern.yield %p : f32
    } -> !o
    kern.yield %y : !o
  })",
                                     5 * capacity, capacity);
    OwningOpRef<ModuleOp> module = configured(text, context);
    ASSERT_TRUE(module);
    compareKernels(*module);
  }
}
