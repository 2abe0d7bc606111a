//===- RegionTest.cpp - scalar regions, interpreted and compiled ----------===//
//
// Every access kind on every core op with a region, and every op of the scalar table:
// models use a part of them.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

/// Configures and compares kernels that are given as text. `ins`, `outs` and `core` of a
/// kernel may use the types of the prologue below; sizes have multiples of no vector.
static void compareText(const std::string &kernels) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  std::string text = R"(
    #T = #dsv3.dims<"T">
    #E = #dsv3.dims<"T*2">
    !rows = tensor<?xf32, #T>
    !x = tensor<?x21xf32, #T>
    !heads = tensor<?x3x21xf32, #T>
    !entries = tensor<?x21xf32, #E>
  )" + kernels;
  OwningOpRef<ModuleOp> module = configured(text, context);
  ASSERT_TRUE(module) << text;
  compareKernels(*module);
}

/// A kern.def around `core`, whose destination is %o and whose result is %y.
static std::string kernel(const std::string &family, const std::string &ins, const std::string &out,
                          const std::string &core) {
  return "kern.def @" + family + " kind \"test\" family \"" + family + "\" sizes [\"T\"] ins(" +
         ins + ") outs(%o: " + out + ") maxima [#dsv3.size<\"T\", max = 16>] {\n" + core +
         "\nkern.yield %y : " + out + "\n}\n";
}

/// Of an accumulator and one operand of each kind; each of them matters.
static const char *const fourKinds = R"([element, row, column, group] {
  ^bb0(%acc: f32, %element: f32, %row: f32, %column: f32, %group: f32):
    %1 = arith.addf %acc, %element : f32
    %2 = arith.mulf %1, %row : f32
    %3 = arith.addf %2, %column : f32
    %4 = arith.mulf %3, %group : f32
    kern.yield %4 : f32
  })";
static const char *const threeKinds = R"([element, row, column] {
  ^bb0(%acc: f32, %element: f32, %row: f32, %column: f32):
    %1 = arith.addf %acc, %element : f32
    %2 = arith.mulf %1, %row : f32
    %3 = arith.addf %2, %column : f32
    kern.yield %3 : f32
  })";

TEST(Access, Gemm) {
  compareText(kernel("gemm", "%a: !x, %w: tensor<21x21xf32>, %e: !x, %r: !rows, %c: tensor<21xf32>",
                     "!x",
                     "%y = kern.gemm ins(%a, %w : !x, tensor<21x21xf32>) outs(%o : !x) "
                     "epilogue(%e, %r, %c : !x, !rows, tensor<21xf32>)" +
                         std::string(threeKinds) + " -> !x"));
}

TEST(Access, GemmWithHeads) {
  compareText(kernel("gemm",
                     "%a: !heads, %w: tensor<3x21x21xf32>, %e: !heads, %r: !rows, "
                     "%c: tensor<21xf32>, %g: tensor<3xf32>",
                     "!heads",
                     "%y = kern.gemm ins(%a, %w : !heads, tensor<3x21x21xf32>) outs(%o : !heads) "
                     "epilogue(%e, %r, %c, %g : !heads, !rows, tensor<21xf32>, tensor<3xf32>)" +
                         std::string(fourKinds) + " -> !heads"));
}

TEST(Access, GroupedGemm) {
  compareText(kernel("grouped_gemm",
                     "%a: !x, %w: tensor<5x21x21xf32>, %off: tensor<6xi32>, "
                     "%rows: tensor<?xi32, #E>, %e: !entries, %r: tensor<?xf32, #E>, "
                     "%c: tensor<21xf32>, %g: tensor<5xf32>",
                     "!entries",
                     "%y = kern.grouped_gemm ins(%a, %w, %off rows %rows : !x, "
                     "tensor<5x21x21xf32>, tensor<6xi32> rows tensor<?xi32, #E>) "
                     "outs(%o : !entries) epilogue(%e, %r, %c, %g : !entries, "
                     "tensor<?xf32, #E>, tensor<21xf32>, tensor<5xf32>)" +
                         std::string(fourKinds) + " -> !entries"));
}

TEST(Access, Combine) {
  compareText(kernel("combine",
                     "%x: !entries, %s: tensor<?x2xi32, #T>, %w: tensor<?x2xf32, #T>, %e: !x, "
                     "%r: !rows, %c: tensor<21xf32>",
                     "!x",
                     "%y = kern.combine ins(%x, %s, %w : !entries, tensor<?x2xi32, #T>, "
                     "tensor<?x2xf32, #T>) outs(%o : !x) "
                     "epilogue(%e, %r, %c : !x, !rows, tensor<21xf32>)" +
                         std::string(threeKinds) + " -> !x"));
}

/// A rowwise kernel of three operands, one of each kind, and a reduction of a row.
static std::string rowwiseSum() {
  return kernel("rowwise", "%e: !x, %r: !rows, %c: tensor<21xf32>", "!x",
                "%y = kern.rowwise ins(%e, %r, %c : !x, !rows, tensor<21xf32>) "
                R"([element, row, column] outs(%o : !x) reduce add contribution {
  ^bb0(%1: f32, %2: f32, %3: f32):
    %4 = arith.mulf %1, %2 : f32
    %5 = arith.addf %4, %3 : f32
    kern.yield %5 : f32
  } finish {
  ^bb0(%1: f32):
    kern.yield %1 : f32
  } apply {
  ^bb0(%1: f32, %2: f32, %3: f32, %s: f32):
    %4 = arith.addf %1, %2 : f32
    %5 = arith.mulf %4, %3 : f32
    %6 = arith.addf %5, %s : f32
    kern.yield %6 : f32
  } -> !x)");
}

TEST(Access, RowwiseWithASum) { compareText(rowwiseSum()); }

/// A rowwise kernel that applies `body` to f32 elements %a and %b and a bf16 element %n;
/// it yields %z.
static std::string elementwise(const std::string &body) {
  return kernel("rowwise", "%x: !x, %v: !x, %m: tensor<?x21xbf16, #T>", "!x",
                "%y = kern.rowwise ins(%x, %v, %m : !x, !x, tensor<?x21xbf16, #T>) "
                "[element, element, element] outs(%o : !x) reduce none contribution {\n"
                "} finish {\n} apply {\n^bb0(%a: f32, %b: f32, %n: bf16):\n" +
                    body + "\nkern.yield %z : f32\n} -> !x");
}

/// Operand and types of an op of one operand, where it is not any f32.
static std::string unary(const std::string &name) {
  std::string root = "%p = math.absf %a : f32\n";
  return name == "arith.extf"                          ? "%z = arith.extf %n : bf16 to f32"
         : name == "math.sqrt" || name == "math.rsqrt" ? root + "%z = " + name + " %p : f32"
                                                       : "%z = " + name + " %a : f32";
}

TEST(ScalarTable, EveryOp) {
#define DSV3_SCALAR_OP(NAME, ARITY, VALUE, CPU, CUDA)                                              \
  if (std::string(NAME) != "arith.truncf") { /* refused: test/Target/cpu-invalid.mlir */           \
    SCOPED_TRACE(NAME);                                                                            \
    compareText(                                                                                   \
        elementwise(ARITY == 2 ? std::string("%z = ") + NAME + " %a, %b : f32" : unary(NAME)));    \
  }
#include "dsv3/Support/ScalarOps.def"
}

/// maxnumf and minnumf are fmax and fmin: NaN on either side loses.
TEST(ScalarTable, LargestOfANumberAndNaNIsTheNumber) {
  compareText(elementwise("%1 = arith.subf %a, %a : f32\n"
                          "%nan = arith.divf %1, %1 : f32\n"
                          "%2 = arith.maxnumf %a, %nan : f32\n"
                          "%3 = arith.maxnumf %nan, %b : f32\n"
                          "%4 = arith.minnumf %2, %nan : f32\n"
                          "%5 = arith.minnumf %nan, %3 : f32\n"
                          "%z = arith.addf %4, %5 : f32"));
}
