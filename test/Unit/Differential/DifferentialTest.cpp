//===- DifferentialTest.cpp - every kernel, interpreted and compiled ------===//
//
// Compiles models and compares every kern.def that comes out with its body. Kernels of
// nano and of the oracles' configurations have their full size, those of the large models
// a small part of it.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"
#include "Models.h"

#include "dsv3/Tools/Registration.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

namespace {

struct CompiledCase {
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

/// The kernels of a case that no case before it in the list has, whichever of them are run.
std::unique_ptr<CompiledCase> newKernels(size_t index) {
  static std::set<std::string> known;
  static size_t next = 0;
  if (index < next) { // tests are repeated
    known.clear();
    next = 0;
  }
  DialectRegistry registry;
  registerAllDialects(registry);
  std::unique_ptr<CompiledCase> compiled;
  for (; next <= index; ++next) {
    compiled = std::make_unique<CompiledCase>();
    compiled->context.appendDialectRegistry(registry);
    compiled->module = compileCase(allCases()[next], compiled->context);
    if (!compiled->module) {
      ADD_FAILURE() << allCases()[next].name;
      return nullptr;
    }
    for (auto definition : llvm::make_early_inc_range(compiled->module->getOps<kern::DefOp>())) {
      if (!known.insert(meaningOf(definition)).second) {
        definition.erase();
      }
    }
  }
  return compiled;
}

/// By the index of the case.
class Kernels : public testing::TestWithParam<size_t> {};

TEST_P(Kernels, DoWhatTheirBodiesSay) {
  std::unique_ptr<CompiledCase> compiled = newKernels(GetParam());
  ASSERT_TRUE(compiled);
  if (compiled->module->getOps<kern::DefOp>().empty()) {
    return;
  }
  for (auto function : llvm::make_early_inc_range(compiled->module->getOps<func::FuncOp>())) {
    function.erase();
  }
  compareKernels(*compiled->module, allCases()[GetParam()].mostTokens);
}

INSTANTIATE_TEST_SUITE_P(Models, Kernels, testing::Range<size_t>(0, allCases().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return allCases()[info.param].name;
                         });

} // namespace
