//===- ReadInPlace.cpp - weights where the checkpoint has them -------------===//
//
// Kernels and parameters agree: a kernel reads all its weights in place or none, and a parameter is
// read in place by all kernels or by none. What cannot be is taken out until nothing changes.
//
//===----------------------------------------------------------------------===//
#include "Common.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Layout.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_READINPLACE
#include "dsv3/Transforms/Passes.h.inc"

namespace {

/// The weight, of bf16, of a product whose rows are f32; null for others, and for those of no
/// experts where there are to be `expertsOnly`.
Value weightThatMayStay(kern::DefOp definition, bool expertsOnly) {
  if (expertsOnly && !isa<kern::GroupedGemmOp>(definition.getCore())) {
    return {};
  }
  return llvm::TypeSwitch<Operation *, Value>(definition.getCore())
      .Case<kern::GemmOp, kern::GroupedGemmOp>([](auto op) {
        auto elementOf = [](Value value) {
          return cast<RankedTensorType>(value.getType()).getElementType();
        };
        bool fits = elementOf(op.getA()).isF32() && elementOf(op.getWeight()).isBF16();
        return fits ? Value(op.getWeight()) : Value();
      })
      .Default(Value());
}

/// Whether CPUs can read the parameter where it is.
bool canStay(graph::ParameterOp parameter) {
  auto [groups, rows, columns] = parameter.getExtents();
  int64_t width = plan::widestPanel(DType::BF16);
  auto fits = [&, columns = columns](graph::SegmentAttr segment) {
    return segment.getShape().size() == 2 &&
           plan::fitsInPlace(segment.getRows(), columns, segment.getTransposed(), width);
  };
  return !parameter.getStored() && parameter.getStoredType().isBF16() &&
         rows / static_cast<int64_t>(parameter.getParts()) % width == 0 &&
         llvm::all_of(parameter.getSegments().getAsRange<graph::SegmentAttr>(), fits);
}

/// A launch of a kernel that reads a parameter.
struct Use {
  kern::DefOp kernel;
  graph::ParameterOp parameter;
  bool isWeight; ///< of a product that could read it in place
};

struct ReadInPlace : impl::ReadInPlaceBase<ReadInPlace> {
  using ReadInPlaceBase::ReadInPlaceBase;

  void runOnOperation() override {
    SmallVector<Use> uses = findUses();
    llvm::SetVector<Operation *> inPlace; // kernels and parameters
    for (const Use &use : uses) {
      if (use.isWeight && canStay(use.parameter)) {
        inPlace.insert(use.kernel);
        inPlace.insert(use.parameter);
      }
    }
    auto takeOut = [&](const Use &use) {
      bool agrees = use.isWeight && inPlace.contains(use.kernel) && inPlace.contains(use.parameter);
      bool removed = !agrees && inPlace.remove(use.parameter);
      return (!agrees && use.isWeight && inPlace.remove(use.kernel)) || removed;
    };
    while (llvm::count_if(uses, takeOut) > 0) {
    }
    for (Operation *op : inPlace) {
      if (auto definition = dyn_cast<kern::DefOp>(op)) {
        llvm::TypeSwitch<Operation *>(definition.getCore())
            .Case<kern::GemmOp, kern::GroupedGemmOp>([](auto core) { core.setInPlace(true); });
        remark::passed(op->getLoc(), remarkOptions("read-in-place", definition))
            << sentence("CPUs read the weight where the checkpoint has it");
      }
    }
  }

  SmallVector<Use> findUses() {
    ModuleOp module = getOperation();
    SmallVector<Use> uses;
    module.walk([&](kern::LaunchOp launch) {
      auto kernel = module.lookupSymbol<kern::DefOp>(launch.getCallee());
      Value weight = weightThatMayStay(kernel, expertsOnly);
      for (auto [index, input] : llvm::enumerate(launch.getInputs())) {
        auto read = input.getDefiningOp<graph::WeightOp>();
        if (read && input == read.getData()) {
          uses.push_back({kernel, module.lookupSymbol<graph::ParameterOp>(read.getParameter()),
                          weight && weight == kernel.getInputs()[index]});
        }
      }
    });
    return uses;
  }
};
} // namespace
} // namespace dsv3
