//===- VariantTest.cpp - which variants the comparisons reach -------------===//
//
// The other tests leave out the variants whose instructions this CPU lacks. Here each variant
// has a case, which is skipped where that is so: code that nobody ran shows in the log.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"

#include "dsv3/Tools/Registration.h"
#include "dsv3/Transforms/Passes.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <set>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

namespace {

/// By the variant's place in the table.
class Variants : public testing::TestWithParam<size_t> {};

TEST_P(Variants, AreCompared) {
  const plan::CpuVariant &variant = plan::cpuVariants()[GetParam()];
  if (!runsHere(variant)) {
    GTEST_SKIP() << "this CPU has not the instructions of " << variant.name
                 << ": no kernel of that variant is compared with the interpreter";
  }
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(R"(
    !x = tensor<?x21xf32, #dsv3.dims<"T">>
    !y = tensor<?x42xf32, #dsv3.dims<"T">>
    kern.def @concat kind "test" family "concat" sizes ["T"] ins(%x: !x) outs(%o: !y)
        maxima [#dsv3.size<"T", max = 16>] {
      %y = kern.concat ins(%x, %x : !x, !x) outs(%o : !y) -> !y
      kern.yield %y : !y
    })",
                                                             &context);
  ASSERT_TRUE(module);
  PassManager manager(&context);
  ConfigureKernelsOptions options;
  for (const plan::CpuVariant &each : plan::cpuVariants()) {
    options.variants.emplace_back(each.name);
  }
  manager.addPass(createConfigureKernels(options));
  ASSERT_TRUE(succeeded(manager.run(*module)));
  std::set<std::string> reached;
  forEachKernel(*module, [&](kern::DefOp, const plan::CpuVariant &run, plan::KernelFunction) {
    reached.insert(std::string(run.name));
  });
  EXPECT_TRUE(reached.contains(std::string(variant.name)));
}

std::string nameOf(const testing::TestParamInfo<size_t> &info) {
  std::string name(plan::cpuVariants()[info.param].name);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Differential, Variants,
                         testing::Range<size_t>(0, plan::cpuVariants().size()), nameOf);

} // namespace
