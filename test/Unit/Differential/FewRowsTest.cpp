//===- FewRowsTest.cpp - every number of rows that meet panels as they are read ===//
//
// Rows are divided into groups, each of which has code of its own, and few rows meet several panels
// at once: all numbers up to those that meet panels in memory, with panels left over.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include "dsv3/Plan/Families.h"

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

/// Codes times codes, of more columns than a block of K has and no whole block of scales.
static std::string codesTimesCodes(const std::string &weight, const std::string &numbers) {
  std::string type = "tensor<300x600x" + weight + ">";
  std::string scaleType = "tensor<300x19x" + numbers + "f16>";
  return R"(
  #T = #dsv3.dims<"T">
  kern.def @rows kind "test" family "gemm" sizes ["T"]
      ins(%a: tensor<?x600xi8, #T>, %r: tensor<?x19xf32, #T>, %w: )" +
         type + ", %s: " + scaleType +
         R"() outs(%o: tensor<?x150xf32, #T>) maxima [#dsv3.size<"T", max = 40>] {
    %y = kern.gemm ins(%a scales %r, %w scales %s block [1, 32]
          : tensor<?x600xi8, #T> scales tensor<?x19xf32, #T>, )" +
         type + ", " + scaleType + R"()
      outs(%o : tensor<?x150xf32, #T>) parts 2 epilogue() [] {
    ^bb0(%p: f32, %q: f32):
      %d = arith.subf %p, %q : f32
      kern.yield %d : f32
    } -> tensor<?x150xf32, #T>
    kern.yield %y : tensor<?x150xf32, #T>
  })";
}

static void compareRows(const std::string &text) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  std::vector<std::string> variants;
  for (const plan::CpuVariant &variant : plan::cpuVariants()) {
    variants.emplace_back(variant.name);
  }
  OwningOpRef<ModuleOp> module = configured(text, context, variants);
  ASSERT_TRUE(module);
  constexpr int64_t moreThanMeetPanelsAsTheyAreRead = 25; // 24 do with AVX-512
  compareEveryCount(*module, moreThanMeetPanelsAsTheyAreRead);
}

TEST(FewRows, OfBf16) { compareRows(twoParts("bf16", false)); }
TEST(FewRows, OfF32) { compareRows(twoParts("f32", false)); }
TEST(FewRows, OfCodes) { compareRows(twoParts("f8E4M3FN", true)); }
TEST(FewRows, OfCodesTimesInt8) { compareRows(codesTimesCodes("i8", "")); }
TEST(FewRows, OfCodesTimesInt4) { compareRows(codesTimesCodes("i4", "2x")); }
