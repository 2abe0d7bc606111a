//===- FewRowsTest.cpp - every number of rows that meet panels as they are read ===//
//
// Rows are divided into groups, each of which has code of its own, and few rows meet several panels
// at once: all numbers up to those that meet panels in memory, with panels left over.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

/// Two parts of 150 columns each, which are no whole panels.
static std::string twoParts(const std::string &weight, bool scaled) {
  std::string type = "tensor<300x150x" + weight + ">";
  std::string scaleType = "tensor<3x2xf32>";
  std::string input = scaled ? ", %s: " + scaleType : "";
  std::string operands = scaled ? " scales %s block [128, 128]" : "";
  std::string types = scaled ? ", " + scaleType : "";
  return R"(
  #T = #dsv3.dims<"T">
  kern.def @rows kind "test" family "gemm" sizes ["T"]
      ins(%a: tensor<?x150xf32, #T>, %w: )" +
         type + input + R"() outs(%o: tensor<?x150xf32, #T>) maxima [#dsv3.size<"T", max = 40>] {
    %y = kern.gemm ins(%a, %w)" +
         operands + " : tensor<?x150xf32, #T>, " + type + types + R"()
      outs(%o : tensor<?x150xf32, #T>) parts 2 epilogue() [] {
    ^bb0(%p: f32, %q: f32):
      %r = arith.subf %p, %q : f32
      kern.yield %r : f32
    } -> tensor<?x150xf32, #T>
    kern.yield %y : tensor<?x150xf32, #T>
  })";
}

static void compareRows(const std::string &text) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(text, context);
  ASSERT_TRUE(module);
  constexpr int64_t moreThanMeetPanelsAsTheyAreRead = 25; // 24 do with AVX-512
  compareEveryCount(*module, moreThanMeetPanelsAsTheyAreRead);
}

TEST(FewRows, OfBf16) { compareRows(twoParts("bf16", false)); }
TEST(FewRows, OfF32) { compareRows(twoParts("f32", false)); }
TEST(FewRows, OfCodes) { compareRows(twoParts("f8E4M3FN", true)); }
