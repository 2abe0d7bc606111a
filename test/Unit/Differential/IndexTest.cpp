//===- IndexTest.cpp - indices that are out of range ----------------------===//
//
// Ids, positions, requests, experts and pages come from outside of a kernel. One that cannot
// be right is reported, and nothing is read or written by it: what lies behind the memory of
// the inputs may not be touched, and the results of its token stay as they were.
//
//===----------------------------------------------------------------------===//
#include "KernelRun.h"

#include "dsv3/Pipelines/Compiler.h"
#include "dsv3/Tools/Registration.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::differential;

namespace {

/// Indices that a kernel gets, of the tokens' rows.
struct Indices {
  Value values;
  int64_t limit = 0;
};

/// The kernels of nano that take indices.
class Indexed : public testing::Test {
protected:
  Indexed() {
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    std::string path = std::string(DSV3_SOURCE_DIR) + "/models/nano/config.json";
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    Expected<checkpoint::ModelConfig> config = checkpoint::parseModelConfig(text.str(), path);
    EXPECT_TRUE(config.ok());
    ModelSource source{*config, import::publishedTypes(*config), {}, ""};
    source.options.context = 300;
    source.options.requests = 3;
    module = compileTo(Phase::Configured, context, source, {});
    EXPECT_TRUE(module);
    for (auto function : llvm::make_early_inc_range(module->getOps<func::FuncOp>())) {
      function.erase();
    }
    std::set<std::string> known;
    for (auto definition : llvm::make_early_inc_range(module->getOps<kern::DefOp>())) {
      Operation *core = definition.getCore();
      if (!isa<kern::GatherOp, kern::DispatchOp, kern::RopeAppendOp, kern::LatentAttentionOp,
               kern::ExpandedAttentionOp>(core)) {
        definition.erase();
        continue;
      }
      known.insert(core->getName().getStringRef().str());
    }
    EXPECT_EQ(known.size(), 5U);
  }

  template <typename OpT>
  static std::vector<Indices> ofTokens(OpT op) {
    auto type = cast<graph::CacheType>(op.getCache().getType());
    return {{op.getPositions(), static_cast<int64_t>(type.getMaxContext())},
            {op.getRequests(), static_cast<int64_t>(type.getMaxRequests())}};
  }
  static std::vector<Indices> indicesOf(Operation *core, const KernelInputs &inputs) {
    if (auto op = dyn_cast<kern::GatherOp>(core)) {
      return {{op.getIds(), inputs.tensors[argumentOf(op.getTable())].rows()}};
    }
    if (auto op = dyn_cast<kern::DispatchOp>(core)) {
      auto offsets = cast<RankedTensorType>(op.getOffsets().getType());
      return {{op.getExperts(), offsets.getDimSize(0) - 1}};
    }
    if (auto op = dyn_cast<kern::RopeAppendOp>(core)) {
      return ofTokens(op);
    }
    if (auto op = dyn_cast<kern::LatentAttentionOp>(core)) {
      return ofTokens(op);
    }
    return ofTokens(cast<kern::ExpandedAttentionOp>(core));
  }
  static size_t argumentOf(Value value) { return cast<BlockArgument>(value).getArgNumber(); }

  static int64_t tokensOf(kern::DefOp definition) {
    return std::min<int64_t>(7, mostTokensOf(definition));
  }

  template <typename... OpT>
  size_t kernelsOf() {
    return static_cast<size_t>(
        llvm::count_if(module->getOps<kern::DefOp>(),
                       [](kern::DefOp definition) { return isa<OpT...>(definition.getCore()); }));
  }

  /// That nothing was written for the last token. `looked` gets the kernel where there was
  /// something to look at.
  static void expectUntouched(kern::DefOp definition, const KernelResults &results, int64_t tokens,
                              std::set<std::string> &looked) {
    Operation *core = definition.getCore();
    if (isa<kern::DispatchOp>(core)) {
      return; // what it says of all tokens together has no meaning
    }
    // An appended row that has a place in memory, or the row of the result.
    const std::vector<double> &values = isa<kern::RopeAppendOp>(core) ? results.back() : results[0];
    size_t columns = values.size() / static_cast<size_t>(tokens);
    if (columns == 0 || columns * static_cast<size_t>(tokens) != values.size()) {
      return; // no place for the last row
    }
    looked.insert(definition.getSymName().str());
    for (double value : llvm::ArrayRef(values).take_back(columns)) {
      ASSERT_TRUE(std::isnan(value)) << value;
    }
  }

  DialectRegistry registry;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

} // namespace

TEST_F(Indexed, WhatIsOutOfRangeIsReportedAndNotUsed) {
  std::set<std::string> looked;
  forEachKernel(*module, [&](kern::DefOp definition, const plan::CpuVariant &variant,
                             plan::KernelFunction function) {
    int64_t tokens = tokensOf(definition);
    const KernelInputs good = makeInputs(definition, tokens);
    execute(definition, variant, function, good, 0);
    std::vector<Indices> all = indicesOf(definition.getCore(), good);
    for (const Indices &indices : all) {
      for (int64_t wrong : {indices.limit, int64_t(-1), int64_t(INT32_MAX), int64_t(INT32_MIN)}) {
        SCOPED_TRACE(definition.getSymName().str() + ", argument " +
                     std::to_string(argumentOf(indices.values)) + ": " + std::to_string(wrong));
        KernelInputs inputs = good;
        // In the last row of what may be read: one row more is beyond it.
        for (const Indices &each : all) {
          reference::Tensor &tensor = inputs.tensors[argumentOf(each.values)];
          tensor[tensor.size() - 1] = static_cast<double>(each.limit - 1);
        }
        reference::Tensor &tensor = inputs.tensors[argumentOf(indices.values)];
        tensor[tensor.size() - 1] = static_cast<double>(wrong);
        KernelResults results =
            execute(definition, variant, function, inputs, 0, plan::KernelError::IndexOutOfRange);
        expectUntouched(definition, results, tokens, looked);
      }
    }
  });
  EXPECT_EQ(looked.size(), (kernelsOf<kern::GatherOp, kern::RopeAppendOp, kern::LatentAttentionOp,
                                      kern::ExpandedAttentionOp>()));
}

TEST_F(Indexed, APageThatIsNotThereIsReported) {
  std::set<std::string> looked;
  forEachKernel(*module, [&](kern::DefOp definition, const plan::CpuVariant &variant,
                             plan::KernelFunction function) {
    KernelInputs inputs = makeInputs(definition, tokensOf(definition));
    std::vector<Indices> all = indicesOf(definition.getCore(), inputs);
    if (all.size() != 2) {
      return; // no cache
    }
    looked.insert(definition.getSymName().str());
    // The first page of the last token's request, and a position in it.
    for (const Indices &each : all) {
      reference::Tensor &tensor = inputs.tensors[argumentOf(each.values)];
      tensor[tensor.size() - 1] = 2;
    }
    for (int32_t wrong : {-1, INT32_MIN, INT32_MAX}) {
      SCOPED_TRACE(definition.getSymName().str() + ", page " + std::to_string(wrong));
      inputs.wrongPages = {{int64_t(2) * 5, wrong}};
      execute(definition, variant, function, inputs, 0, plan::KernelError::IndexOutOfRange);
    }
  });
  EXPECT_EQ(looked.size(),
            (kernelsOf<kern::RopeAppendOp, kern::LatentAttentionOp, kern::ExpandedAttentionOp>()));
}
