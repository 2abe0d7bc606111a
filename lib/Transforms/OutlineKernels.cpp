//===- OutlineKernels.cpp - groups become kernel definitions --------------===//
//
// Views, and expansions of weights, go into the kernels that read them, so that what passes between
// launches is whole buffers. Definitions are named after the function and what they are made for,
// and are made once where they are equal.
//
//===----------------------------------------------------------------------===//
#include "EntrySizes.h"
#include "Grouping.h"
#include "WeightReads.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "dsv3/Transforms/Passes.h.inc"

namespace {

/// Whether `op` is no kernel, but a way of reading its operand: copied into the kernels that
/// read its result.
bool isView(Operation *op) {
  return isa_and_present<graph::SliceOp, graph::SplitHeadsOp, graph::MergeHeadsOp>(op) ||
         isExpansion(op);
}

/// Whether `op` stays in the function: it computes nothing.
bool staysOutside(Operation *op) {
  return isView(op) || isa<graph::WeightOp, graph::CallLayerOp, graph::ObserveOp, kern::EmptyOp,
                           kern::LaunchOp, func::ReturnOp>(op);
}

struct OutlineKernels : impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> functions(module.getOps<func::FuncOp>());
    for (func::FuncOp function : functions) {
      if (function.isExternal()) {
        continue;
      }
      groupTheRest(function);
      SmallVector<kern::GroupOp> groups(function.getOps<kern::GroupOp>());
      for (kern::GroupOp group : groups) {
        sinkViews(group);
      }
      eraseDeadViews(function);
      for (kern::GroupOp group : groups) {
        outline(function, group);
      }
    }
    eraseUnreadParameters();
  }

  void groupTheRest(func::FuncOp function) {
    SmallVector<Operation *> alone;
    for (Operation &op : function.getOps()) {
      if (!isa<kern::GroupOp>(op) && !staysOutside(&op)) {
        alone.push_back(&op);
      }
    }
    for (Operation *op : alone) {
      // What fusions missed, they say themselves.
      remark::analysis(op->getLoc(), remarkOptions("outline-kernels", op)) << sentence(
          "'{0}' is a kernel of its own: no pass before grouped it", op->getName().getStringRef());
      makeGroup(op->getName().stripDialect(), {op});
    }
  }

  /// Copies into the group the views that it reads, and their views.
  void sinkViews(kern::GroupOp group) {
    Block &body = group.getBody().front();
    for (bool changed = true; changed;) {
      changed = false;
      IRMapping copies;
      SmallVector<OpOperand *> uses;
      body.walk([&](Operation *op) {
        for (OpOperand &use : op->getOpOperands()) {
          if (isView(use.get().getDefiningOp()) &&
              !group->isProperAncestor(use.get().getDefiningOp())) {
            uses.push_back(&use);
          }
        }
      });
      OpBuilder builder = OpBuilder::atBlockBegin(&body);
      for (OpOperand *use : uses) {
        if (!copies.contains(use->get())) {
          Value original = use->get();
          Operation *copy = builder.clone(*original.getDefiningOp());
          copies.map(original, copy->getResult(0));
        }
        use->set(copies.lookup(use->get()));
        changed = true;
      }
    }
  }

  void eraseDeadViews(func::FuncOp function) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front()))) {
      if ((isView(&op) || isa<graph::WeightOp>(op)) && op.use_empty()) {
        op.erase();
      }
    }
  }

  void outline(func::FuncOp function, kern::GroupOp group) {
    llvm::SetVector<Value> inputs;
    group.getBody().walk([&](Operation *op) {
      for (Value operand : op->getOperands()) {
        if (operand.getParentBlock() == group->getBlock()) {
          inputs.insert(operand);
        }
      }
    });
    OpBuilder builder(group);
    SmallVector<Value> destinations;
    for (Type type : group.getResultTypes()) {
      destinations.push_back(kern::EmptyOp::create(builder, group.getLoc(), type));
    }
    kern::DefOp definition = makeDefinition(function, group, inputs.getArrayRef());
    auto launch = kern::LaunchOp::create(builder, group.getLoc(), group.getResultTypes(),
                                         FlatSymbolRefAttr::get(definition), inputs.getArrayRef(),
                                         destinations);
    group.replaceAllUsesWith(launch.getResults());
    group.erase();
  }

  /// The definition of the group's body: an equal one of the same entry, or a new one.
  kern::DefOp makeDefinition(func::FuncOp function, kern::GroupOp group, ArrayRef<Value> inputs) {
    ModuleOp module = getOperation();
    OpBuilder builder(function);
    std::string entry = function.getSymName().split('.').first.str();
    auto definition = kern::DefOp::create(
        builder, group.getLoc(), builder.getStringAttr((entry + "." + group.getKind()).str()),
        group.getKindAttr(), builder.getI64IntegerAttr(static_cast<int64_t>(inputs.size())),
        StringAttr(), ArrayAttr(), entrySizes(function), DictionaryAttr());
    Block &body = definition.getBody().emplaceBlock();
    IRMapping mapping;
    for (Value input : inputs) {
      mapping.map(input, body.addArgument(input.getType(), group.getLoc()));
    }
    for (Type type : group.getResultTypes()) {
      body.addArgument(type, group.getLoc());
    }
    builder.setInsertionPointToStart(&body);
    for (Operation &op : group.getBody().front()) {
      builder.clone(op, mapping);
    }
    for (auto known : module.getOps<kern::DefOp>()) {
      if (known != definition && equal(known, definition)) {
        definition.erase();
        remark::passed(group.getLoc(), remarkOptions("outline-kernels", group))
            << sentence("one more launch of the equal kernel @{0}", known.getSymName());
        return known;
      }
    }
    SymbolTable(module).remove(definition);
    SymbolTable(module).insert(definition, function->getIterator());
    remark::passed(group.getLoc(), remarkOptions("outline-kernels", group))
        << sentence("a launch of the new kernel @{0}", definition.getSymName());
    return definition;
  }

  /// Equal but for the name.
  static bool equal(kern::DefOp a, kern::DefOp b) {
    return a.getKindAttr() == b.getKindAttr() && a.getMaximaAttr() == b.getMaximaAttr() &&
           a.getNumInputs() == b.getNumInputs() &&
           OperationEquivalence::isRegionEquivalentTo(&a.getBody(), &b.getBody(),
                                                      OperationEquivalence::IgnoreLocations);
  }

  void eraseUnreadParameters() {
    llvm::StringSet<> read;
    getOperation().walk([&](graph::WeightOp op) { read.insert(op.getParameter()); });
    for (auto parameter : llvm::make_early_inc_range(getOperation().getOps<graph::ParameterOp>())) {
      if (!read.contains(parameter.getSymName())) {
        parameter.erase();
      }
    }
  }
};
} // namespace
} // namespace dsv3
