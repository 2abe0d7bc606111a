//===- Grouping.cpp - putting ops into fusion groups ----------------------===//
#include "Grouping.h"

#include "EntrySizes.h"
#include "Graph/Extent.h"
#include "dsv3/Plan/Families.h"

#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3 {

Operation *onlyUser(Operation *op) {
  return op->getNumResults() == 1 && op->getResult(0).hasOneUse() ? *op->getResult(0).user_begin()
                                                                  : nullptr;
}

graph::QuantiseOp freeQuantise(Value value) {
  graph::QuantiseOp found;
  for (Operation *user : value.getUsers()) {
    auto quantise = dyn_cast<graph::QuantiseOp>(user);
    if (!quantise || !isFree(quantise)) {
      continue;
    }
    if (found) {
      return nullptr;
    }
    found = quantise;
  }
  return found;
}

/// Whether a step of the entry that `op` belongs to has so few tokens that products read their
/// weight once.
static bool isOfFewTokens(Operation *op) {
  auto sizes = entrySizes(op->getParentOfType<func::FuncOp>()).getAsRange<graph::SizeAttr>();
  return !sizes.empty() && llvm::all_of(sizes, [](graph::SizeAttr size) {
    return size.getMax() <= plan::mostDotRows;
  });
}

/// Whether blocks with the columns of a whole group of codes each do for a product of a few tokens:
/// they are many, or a block is done within the time of the launch that is saved.
static bool groupsAreBlocks(graph::QuantiseOp quantise, Operation *product, StringRef pass) {
  constexpr int64_t manyBlocks = 64;               // half of a large GPU's multiprocessors
  constexpr int64_t fewWeights = int64_t(1) << 18; // a multiprocessor reads 64 bytes a cycle
  Value weight = llvm::TypeSwitch<Operation *, Value>(product)
                     .Case<graph::LinearOp, graph::GroupedLinearOp, graph::HeadLinearOp>(
                         [](auto op) { return op.getWeight(); });
  bool grouped = isa<graph::GroupedLinearOp>(product);
  auto codes = cast<RankedTensorType>(quantise.getCodes().getType());
  auto weights = cast<RankedTensorType>(weight.getType());
  auto group = static_cast<int64_t>(quantise.getGroup());
  int64_t columns = codes.getDimSize(1) * (grouped ? weights.getDimSize(0) : 1);
  graph::Extent rows = graph::extentOf(codes, 0);
  int64_t entries = rows.isStatic() ? 1 : graph::DimsAttr::split(rows.name).second;
  int64_t blocks = static_cast<int64_t>(llvm::divideCeil(codes.getDimSize(1), group)) * entries;
  if (blocks >= manyBlocks || weights.getNumElements() / columns * group <= fewWeights) {
    return true;
  }
  remark::missed(quantise.getLoc(), remarkOptions(pass, quantise)) << sentence(
      "codes in a launch of their own: {0} blocks with the columns of a group would be too few",
      blocks);
  return false;
}

graph::QuantiseOp onlyQuantise(Operation *op, Operation *product, StringRef pass) {
  auto quantise = dyn_cast_if_present<graph::QuantiseOp>(onlyUser(op));
  if (!quantise || !isFree(quantise)) {
    return nullptr;
  }
  bool few = makesFp8(quantise) && isOfFewTokens(op);
  return few && !groupsAreBlocks(quantise, product, pass) ? nullptr : quantise;
}

kern::GroupOp makeGroup(StringRef kind, ArrayRef<Operation *> ops) {
  SmallVector<Operation *> ordered(ops);
  llvm::sort(ordered, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  Operation *last = ordered.back();
  auto inGroup = [&](Operation *user) {
    return llvm::any_of(ordered, [&](Operation *op) { return op->isAncestor(user); });
  };
  // What has effects keeps its place among others that have.
  bool passed = false;
  for (Operation *op = last; op != ordered.front()->getPrevNode(); op = op->getPrevNode()) {
    bool pure = isMemoryEffectFree(op);
    if (op != last && inGroup(op) && passed && !pure) {
      return nullptr;
    }
    passed = passed || (!inGroup(op) && !pure);
  }
  llvm::SetVector<Value> results;
  for (Operation *op : ordered) {
    for (Value result : op->getResults()) {
      for (Operation *user : result.getUsers()) {
        if (inGroup(user)) {
          continue;
        }
        Operation *sameBlock = last->getBlock()->findAncestorOpInBlock(*user);
        if (!sameBlock || sameBlock->isBeforeInBlock(last)) {
          return nullptr;
        }
        results.insert(result);
      }
    }
  }
  OpBuilder builder(last->getContext());
  builder.setInsertionPointAfter(last);
  auto group =
      kern::GroupOp::create(builder, last->getLoc(), ValueRange(results.getArrayRef()).getTypes(),
                            builder.getStringAttr(kind));
  Block &body = group.getBody().emplaceBlock();
  for (auto [index, value] : llvm::enumerate(results)) {
    Value inside = value, outside = group.getResult(index);
    inside.replaceUsesWithIf(outside, [&](OpOperand &use) { return !inGroup(use.getOwner()); });
  }
  for (Operation *op : ordered) {
    op->moveBefore(&body, body.end());
  }
  builder.setInsertionPointToEnd(&body);
  kern::YieldOp::create(builder, last->getLoc(), results.getArrayRef());
  return group;
}

} // namespace dsv3
