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

#include <set>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

namespace {

/// A kernel without its names. Equal kernels of several models are compared once.
std::string meaningOf(kern::DefOp definition) {
  OwningOpRef<kern::DefOp> copy = definition.clone();
  copy->setSymName("kernel");
  copy->setKind("");
  copy->removeMaximaAttr();
  std::string text;
  llvm::raw_string_ostream stream(text);
  copy->print(stream, OpPrintingFlags().enableDebugInfo(false));
  return text;
}

/// The kernels of a case that no case before it in the list has, whichever of them are run.
const std::set<std::string> &newKernels(size_t index) {
  static std::set<std::string> known;
  static std::vector<std::set<std::string>> ofCases;
  while (ofCases.size() <= index) {
    DialectRegistry registry;
    registerAllDialects(registry);
    MLIRContext context(registry);
    OwningOpRef<ModuleOp> module = compileCase(allCases()[ofCases.size()], context);
    EXPECT_TRUE(module) << allCases()[ofCases.size()].name;
    std::set<std::string> &names = ofCases.emplace_back();
    for (auto definition : module->getOps<kern::DefOp>()) {
      if (known.insert(meaningOf(definition)).second) {
        names.insert(definition.getSymName().str());
      }
    }
  }
  return ofCases[index];
}

/// By the index of the case.
class Kernels : public testing::TestWithParam<size_t> {};

TEST_P(Kernels, DoWhatTheirBodiesSay) {
  const std::set<std::string> &names = newKernels(GetParam());
  if (names.empty()) {
    return;
  }
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = compileCase(allCases()[GetParam()], context);
  ASSERT_TRUE(module);
  for (auto function : llvm::make_early_inc_range(module->getOps<func::FuncOp>())) {
    function.erase();
  }
  for (auto definition : llvm::make_early_inc_range(module->getOps<kern::DefOp>())) {
    if (!names.contains(definition.getSymName().str())) {
      definition.erase();
    }
  }
  std::mt19937_64 random(20);
  compareKernels(*module, random, allCases()[GetParam()].mostTokens);
}

INSTANTIATE_TEST_SUITE_P(Models, Kernels, testing::Range<size_t>(0, allCases().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return allCases()[info.param].name;
                         });

} // namespace
