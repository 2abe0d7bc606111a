//===- MergeProjections.cpp - q_a and kv_a as one product -----------------===//
//
// Both read the normed rows of the layer; as one product the rows are read once and
// a small matrix does not pay a launch of its own.
//
//===----------------------------------------------------------------------===//
#include "WeightReads.h"

#include <numeric>

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_MERGEPROJECTIONS
#include "dsv3/Transforms/Passes.h.inc"

namespace {

/// The product whose first columns the latent of `append` is the norm of, or null.
graph::LinearOp latentProjection(graph::CacheAppendOp append) {
  auto norm = append.getLatent().getDefiningOp<graph::RmsNormOp>();
  auto slice = norm ? norm.getX().getDefiningOp<graph::SliceOp>() : nullptr;
  return slice ? slice.getX().getDefiningOp<graph::LinearOp>() : nullptr;
}

/// Of "layer.kv_a" the name kv_a.
StringRef lastPart(StringRef symbol) { return symbol.substr(symbol.rfind('.') + 1); }

struct MergeProjections : impl::MergeProjectionsBase<MergeProjections> {
  void runOnOperation() override {
    getOperation().walk([&](graph::CacheAppendOp append) {
      if (graph::LinearOp latent = latentProjection(append)) {
        merge(latent);
      }
    });
  }

  graph::ParameterOp parameterOf(graph::LinearOp op) {
    graph::WeightOp weight = storedWeight(op.getWeight());
    return weight ? getOperation().lookupSymbol<graph::ParameterOp>(weight.getParameter())
                  : nullptr;
  }

  graph::ParameterOp mergedParameter(graph::ParameterOp first, graph::ParameterOp second) {
    std::string symbol = (first.getSymName() + "_" + lastPart(second.getSymName())).str();
    OpBuilder builder(first->getContext());
    auto type = cast<RankedTensorType>(first.getType());
    int64_t firstRows = type.getDimSize(0);
    int64_t rows = firstRows + cast<RankedTensorType>(second.getType()).getDimSize(0);
    SmallVector<Attribute> segments(first.getSegments().begin(), first.getSegments().end());
    segments.append(second.getSegments().begin(), second.getSegments().end());
    DenseI64ArrayAttr block;
    if (first.getBlock()) {
      // The border between the two must be the border of a block.
      block = builder.getDenseI64ArrayAttr(
          {std::gcd((*first.getBlock())[0], firstRows), (*first.getBlock())[1]});
    }
    return declareOnce(first, graph::ParameterOp::create(
                                  builder, first.getLoc(), builder.getStringAttr(symbol),
                                  TypeAttr::get(RankedTensorType::get({rows, type.getDimSize(1)},
                                                                      type.getElementType())),
                                  first.getStoredAttr(), block, builder.getI64IntegerAttr(1),
                                  first.getLayersAttr(), builder.getArrayAttr(segments)));
  }

  void merge(graph::LinearOp latent) {
    graph::LinearOp query;
    for (Operation *user : latent.getX().getUsers()) {
      auto other = dyn_cast<graph::LinearOp>(user);
      if (other && other != latent && other->getBlock() == latent->getBlock()) {
        query = other;
      }
    }
    graph::ParameterOp second = parameterOf(latent);
    graph::ParameterOp first = query ? parameterOf(query) : nullptr;
    if (!first || !second) {
      remark::missed(latent.getLoc(), remarkOptions("merge-projections", latent))
          << "no other product of a parameter reads the same rows";
      return;
    }
    auto firstType = cast<RankedTensorType>(first.getType());
    auto secondType = cast<RankedTensorType>(second.getType());
    if (firstType.getElementType() != secondType.getElementType() ||
        first.getStoredType() != second.getStoredType() ||
        first.getBlockAttr() != second.getBlockAttr()) {
      remark::missed(latent.getLoc(), remarkOptions("merge-projections", latent)) << sentence(
          "@{0} and @{1} are stored with different types", first.getSymName(), second.getSymName());
      return;
    }
    graph::ParameterOp merged = mergedParameter(first, second);
    Operation *place = query->isBeforeInBlock(latent) ? query : latent;
    OpBuilder builder(place);
    Location loc = query.getLoc();
    auto weight = graph::WeightOp::create(builder, loc, merged.getType(), merged.getScalesType(),
                                          FlatSymbolRefAttr::get(merged));
    Type expanded = isExpansion(query.getWeight().getDefiningOp())
                        ? cast<RankedTensorType>(query.getWeight().getType()).getElementType()
                        : Type();
    WeightRead read = readWeight(builder, weight, merged.getBlockAttr(), expanded);
    int64_t firstColumns = firstType.getDimSize(0), secondColumns = secondType.getDimSize(0);
    auto oldType = cast<RankedTensorType>(query.getResult().getType());
    auto type = RankedTensorType::get({oldType.getDimSize(0), firstColumns + secondColumns},
                                      oldType.getElementType(), oldType.getEncoding());
    Value both = graph::LinearOp::create(builder, loc, type, query.getX(), read.data, read.scales,
                                         query.getXScales(), read.block);
    query.getResult().replaceAllUsesWith(
        graph::SliceOp::create(builder, loc, both, 0, firstColumns).getResult());
    latent.getResult().replaceAllUsesWith(
        graph::SliceOp::create(builder, loc, both, firstColumns, secondColumns).getResult());
    remark::passed(loc, remarkOptions("merge-projections", query))
        << sentence("@{0} and @{1} as one product of {2} columns", first.getSymName(),
                    second.getSymName(), firstColumns + secondColumns);
    query.erase();
    latent.erase();
  }
};
} // namespace
} // namespace dsv3
