//===- LargeRowTest.cpp - one row times codes, near the end of f32 --------===//
//
// A row that meets tiny codes is scaled (lib/Target/Cpu/StreamProduct.h), one that would leave the
// range of f32 then is not: random numbers are never that large.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

/// 150 columns are no whole vectors.
static const char *const product = R"(
  #T = #dsv3.dims<"T">
  kern.def @codes kind "test" family "gemm" sizes ["T"]
      ins(%a: tensor<?x150xf32, #T>, %w: tensor<70x150xf8E4M3FN>, %s: tensor<1x2xf32>)
      outs(%o: tensor<?x70xf32, #T>) maxima [#dsv3.size<"T", max = 1>] {
    %y = kern.gemm
      ins(%a, %w scales %s block [128, 128]
          : tensor<?x150xf32, #T>, tensor<70x150xf8E4M3FN>, tensor<1x2xf32>)
      outs(%o : tensor<?x70xf32, #T>) epilogue() [] {
    ^bb0(%p: f32):
      kern.yield %p : f32
    } -> tensor<?x70xf32, #T>
    kern.yield %y : tensor<?x70xf32, #T>
  })";

TEST(LargeRow, StaysInTheRangeOfF32) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = configured(product, context);
  ASSERT_TRUE(module);
  forEachKernel(*module, [&](kern::DefOp definition, const plan::CpuVariant &variant,
                             plan::KernelFunction function) {
    for (int64_t place : {3, 149}) { // in a whole vector, and behind all of them
      for (double large : {0x1p63, 0x1p64, -0x1p100}) {
        KernelInputs inputs = makeInputs(definition, 1);
        inputs.tensors[0][place] = large;
        KernelResults expected = interpret(definition, inputs);
        for (const CoreKind &core : coreKinds) {
          setCore(function, core);
          compare(std::string(variant.name), definition, variant.name, expected,
                  execute(definition, variant, function, inputs, 0));
        }
      }
    }
  });
}
