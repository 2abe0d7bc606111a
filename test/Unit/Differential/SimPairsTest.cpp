//===- SimPairsTest.cpp - experts whose weights two blocks share ----------===//
//
// Grouped products on warp groups of sm_90a with many entries, whose blocks share weights by twos,
// against the interpreter: entries that an index chooses and those in order, with every way that
// results are stored.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/GpuKernel.h"
#include "dsv3/Target/Cuda.h"
#include "dsv3/Tools/Registration.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

// Columns, depth and entries end within a tile.
static const char *const manyEntries = R"(
#T = #dsv3.dims<"T">
#E = #dsv3.dims<"T*2">
!w = tensor<4x640x496xf8E4M3FN>
!ws = tensor<4x10x4xf32>
!o = tensor<5xi32>
!i = tensor<?xi32, #E>
!c = tensor<?x496xf8E4M3FN, #T>
!s = tensor<?x4xf32, #T>
!q = tensor<?x320xf8E4M3FN, #E>
!qs = tensor<?x3xf32, #E>
kern.def @gate_up_quantise kind "experts" family "grouped_gemm" sizes ["T"] ins(%a: !c, %as: !s, %w: !w, %ws: !ws, %off: !o, %r: !i) outs(%o: !q, %os: !qs) attributes {maxima = [#dsv3.size<"T", max = 600>]} {
  %y, %ys = kern.grouped_gemm ins(%a scales %as, %w scales %ws block [64, 128], %off rows %r : !c scales !s, !w scales !ws, !o rows !i) outs(%o, %os : !q, !qs) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %d = arith.subf %g, %u : f32
    kern.yield %d : f32
  } quantise group 128 -> !q, !qs
  kern.yield %y, %ys : !q, !qs
}
!x = tensor<?x136xbf16, #T>
!b = tensor<4x192x136xbf16>
!h = tensor<?x96xbf16, #E>
kern.def @gate_up kind "experts" family "grouped_gemm" sizes ["T"] ins(%a: !x, %w: !b, %off: !o, %r: !i) outs(%o: !h) attributes {maxima = [#dsv3.size<"T", max = 600>]} {
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, !b, !o rows !i) outs(%o : !h) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %d = arith.subf %g, %u : f32
    %n = arith.truncf %d : f32 to bf16
    kern.yield %n : bf16
  } -> !h
  kern.yield %y : !h
}
!dw = tensor<4x200x320xf8E4M3FN>
!dws = tensor<4x2x3xf32>
!y = tensor<?x200xf32, #E>
kern.def @down kind "experts" family "grouped_gemm" sizes ["T"] ins(%a: !q, %as: !qs, %w: !dw, %ws: !dws, %off: !o) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 600>]} {
  %y = kern.grouped_gemm ins(%a scales %as, %w scales %ws block [128, 128], %off : !q scales !qs, !dw scales !dws, !o) outs(%o : !y) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !y
  kern.yield %y : !y
}
)";

/// Blocks that share weights in a step of so many tokens, of 320, 96 and 200 columns, in tiles of
/// 128, 64 and 128, and of rows as the kernel says.
static std::vector<int64_t> sharing(ModuleOp module, int64_t tokens) {
  FailureOr<std::vector<plan::KernelText>> texts =
      cuda::printKernels(module, *plan::findGpuVariant("sm_90a"));
  EXPECT_TRUE(succeeded(texts));
  std::vector<int64_t> found;
  for (auto [text, tileRows, columnTiles] :
       llvm::zip(*texts, std::array<int64_t, 3>{64, 128, 128}, std::array<int64_t, 3>{3, 2, 2})) {
    Expected<plan::GridShape> shape = plan::gridShapeOf(text);
    EXPECT_TRUE(shape.ok());
    found.push_back(
        shape->of(columnTiles * ((2 * tokens + tileRows - 1) / tileRows + 4), 8).sharing);
  }
  return found;
}

// On as many multiprocessors as the seed says; steps of few entries have blocks that are alone.
TEST(SimPairs, SharedWeightsOfExpertsDoWhatTheirBodiesSay) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(manyEntries, context, {"sm_90a"});
  ASSERT_TRUE(module);
  for (kern::DefOp definition : module->getOps<kern::DefOp>()) {
    auto form = definition.getConfig("sm_90a").getAs<IntegerAttr>("form");
    ASSERT_TRUE(form);
    EXPECT_EQ(form.getInt(), int64_t(plan::GpuProduct::WgmmaPairs))
        << definition.getSymName().str();
  }
  EXPECT_EQ(sharing(*module, 600), (std::vector<int64_t>{2, 2, 2}));
  EXPECT_EQ(sharing(*module, 570), (std::vector<int64_t>{2, 2, 2}));
  EXPECT_EQ(sharing(*module, 70), (std::vector<int64_t>{1, 1, 1}));
  for (auto [seed, tokens] : {std::pair<uint64_t, int64_t>(0, 600), {1, 570}, {2, 70}}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    compareKernelsOnSim(*module, "sm_90a", tokens, seed);
  }
}
