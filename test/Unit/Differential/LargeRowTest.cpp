//===- LargeRowTest.cpp - one row times codes, near the ends of f32 -------===//
//
// A row that meets tiny codes is scaled (lib/Target/Cpu/StreamProduct.h), one that would leave the
// range of f32 then is not: random numbers are never that large, or that small.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include <gtest/gtest.h>

#include <limits>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

/// A product with weights of type `element`, of which a scale of type `scale` is for so many rows
/// and columns. 150 columns are no whole vectors.
static std::string product(const std::string &element, const std::string &scale,
                           const std::string &block) {
  std::string weights = "tensor<70x150x" + element + ">", scales = "tensor<" + scale + ">";
  return R"(
  #T = #dsv3.dims<"T">
  kern.def @codes kind "test" family "gemm" sizes ["T"]
      ins(%a: tensor<?x150xf32, #T>, %w: )" +
         weights + ", %s: " + scales + R"()
      outs(%o: tensor<?x70xf32, #T>) maxima [#dsv3.size<"T", max = 1>] {
    %y = kern.gemm
      ins(%a, %w scales %s block )" +
         block + " : tensor<?x150xf32, #T>, " + weights + ", " + scales + R"()
      outs(%o : tensor<?x70xf32, #T>) epilogue() [] {
    ^bb0(%p: f32):
      kern.yield %p : f32
    } -> tensor<?x70xf32, #T>
    kern.yield %y : tensor<?x70xf32, #T>
  })";
}

static void compareLargeRows(const std::string &text) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(text, context);
  ASSERT_TRUE(module);
  forEachKernel(*module, [&](kern::DefOp definition, const plan::CpuVariant &variant,
                             plan::KernelFunction function) {
    auto compareWith = [&](llvm::function_ref<void(reference::Tensor &)> change) {
      KernelInputs inputs = makeInputs(definition, 1);
      change(inputs.tensors[0]);
      KernelResults expected = interpret(definition, inputs), ofFirst;
      for (const CoreKind &core : coreKinds) {
        setCore(function, core);
        KernelResults found = execute(definition, variant, function, inputs, 0);
        compare(std::string(variant.name), definition, variant.name, expected, found);
        if (ofFirst.empty()) {
          ofFirst = found;
        }
        EXPECT_TRUE(sameBits(found, ofFirst)) << variant.name << ": the kind of core changes bits";
      }
    };
    // At and beyond what is scaled, and where a scaled element is not in the range any more.
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();
    for (double large :
         {0x1p57, 0x1p58, 0x1p63, 0x1p64, -0x1p100, infinity, -infinity, notANumber}) {
      for (int64_t place : {3, 149}) { // in a whole vector, and behind all of them
        compareWith([&](reference::Tensor &row) { row[place] = large; });
      }
    }
    // Sums of a row, which codes with an offset need.
    for (double large : {0x1.fp57, 0x1p63}) {
      compareWith([&](reference::Tensor &row) {
        for (int64_t i = 0; i < row.size(); ++i) {
          row[i] = large;
        }
      });
    }
    // So small that products with tiny codes would vanish.
    compareWith([&](reference::Tensor &row) {
      for (int64_t i = 0; i < row.size(); ++i) {
        row[i] *= 0x1p-70;
      }
    });
  });
}

TEST(LargeRow, OfFp8StaysInTheRangeOfF32) {
  compareLargeRows(product("f8E4M3FN", "1x2xf32", "[128, 128]"));
}

TEST(LargeRow, OfInt4StaysInTheRangeOfF32) {
  compareLargeRows(product("i4", "70x5x2xf16", "[1, 32]"));
}
