//===- SimDepthTest.cpp - products whose depth blocks divide --------------===//
//
// Deep products with few columns on warp groups of sm_90a, with every way that results are stored,
// against the interpreter.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include <gtest/gtest.h>

#include <map>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

// Columns, depth and rows end within a tile.
static const char *const deepProducts = R"(
#T = #dsv3.dims<"T">
!c = tensor<?x1552xf8E4M3FN, #T>
!s = tensor<?x13xf32, #T>
!o = tensor<?x200xbf16, #T>
kern.def @boxes kind "linear" family "gemm" sizes ["T"] ins(%a: !c, %as: !s, %w: tensor<200x1552xf8E4M3FN>, %ws: tensor<2x13xf32>) outs(%o: !o) attributes {maxima = [#dsv3.size<"T", max = 300>]} {
  %y = kern.gemm ins(%a scales %as, %w scales %ws block [128, 128] : !c scales !s, tensor<200x1552xf8E4M3FN>, tensor<2x13xf32>) outs(%o : !o) epilogue() [] {
  ^bb0(%acc: f32):
    %n = arith.truncf %acc : f32 to bf16
    kern.yield %n : bf16
  } -> !o
  kern.yield %y : !o
}
!x = tensor<?x1600xbf16, #T>
!r = tensor<?x72xf32, #T>
kern.def @rows kind "linear" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<72x1600xbf16>) outs(%o: !r) attributes {maxima = [#dsv3.size<"T", max = 300>]} {
  %y = kern.gemm ins(%a, %w : !x, tensor<72x1600xbf16>) outs(%o : !r) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !r
  kern.yield %y : !r
}
!xd = tensor<?x3072xbf16, #T>
kern.def @gate_up kind "gate_up" family "gemm" sizes ["T"] ins(%a: !xd, %w: tensor<144x3072xbf16>) outs(%o: !r) attributes {maxima = [#dsv3.size<"T", max = 300>]} {
  %y = kern.gemm ins(%a, %w : !xd, tensor<144x3072xbf16>) outs(%o : !r) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %d = arith.subf %g, %u : f32
    kern.yield %d : f32
  } -> !r
  kern.yield %y : !r
}
!d = tensor<?x3072xf8E4M3FN, #T>
!ds = tensor<?x24xf32, #T>
!q = tensor<?x256xf8E4M3FN, #T>
!qs = tensor<?x2xf32, #T>
kern.def @codes kind "gate_up" family "gemm" sizes ["T"] ins(%a: !d, %as: !ds, %w: tensor<512x3072xf8E4M3FN>, %ws: tensor<4x24xf32>) outs(%o: !q, %os: !qs) attributes {maxima = [#dsv3.size<"T", max = 300>]} {
  %y, %ys = kern.gemm ins(%a scales %as, %w scales %ws block [128, 128] : !d scales !ds, tensor<512x3072xf8E4M3FN>, tensor<4x24xf32>) outs(%o, %os : !q, !qs) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    %d = arith.subf %g, %u : f32
    kern.yield %d : f32
  } quantise group 128 -> !q, !qs
  kern.yield %y, %ys : !q, !qs
}
!xh = tensor<?x2x1536xbf16, #T>
!yh = tensor<?x2x96xbf16, #T>
kern.def @heads kind "head_linear" family "gemm" sizes ["T"] ins(%a: !xh, %w: tensor<2x96x1536xbf16>) outs(%o: !yh) attributes {maxima = [#dsv3.size<"T", max = 300>]} {
  %y = kern.gemm ins(%a, %w : !xh, tensor<2x96x1536xbf16>) outs(%o : !yh) epilogue() [] {
  ^bb0(%acc: f32):
    %n = arith.truncf %acc : f32 to bf16
    kern.yield %n : bf16
  } -> !yh
  kern.yield %y : !yh
}
)";

// Rows of one warp group, of both, and of several tiles; on as many multiprocessors as the seed
// says, so that clusters have one tile after the other.
TEST(SimDepth, DividedProductsDoWhatTheirBodiesSay) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(deepProducts, context, {"sm_90a"});
  ASSERT_TRUE(module);
  std::map<std::string, int64_t> parts;
  for (kern::DefOp definition : module->getOps<kern::DefOp>()) {
    auto field = definition.getConfig("sm_90a").getAs<IntegerAttr>("depth_parts");
    ASSERT_TRUE(field);
    parts[definition.getSymName().str()] = field.getInt();
  }
  EXPECT_EQ(parts, (std::map<std::string, int64_t>{
                       {"boxes", 2}, {"rows", 4}, {"gate_up", 8}, {"codes", 4}, {"heads", 4}}));
  for (auto [seed, tokens] : {std::pair<uint64_t, int64_t>(0, 40), {1, 100}, {2, 150}}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    compareKernelsOnSim(*module, "sm_90a", tokens, seed);
  }
}
