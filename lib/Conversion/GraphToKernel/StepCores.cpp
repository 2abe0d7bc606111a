//===- StepCores.cpp - attention, router and what moves rows --------------===//
#include "CoreBuilder.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3 {

/// The group that LowerRopeAppend makes.
static CoreResults buildRopeAppend(CoreBuilder &core, graph::CacheAppendOp append) {
  auto norm = append.getLatent().getDefiningOp<graph::RmsNormOp>();
  auto key = append.getKey().getDefiningOp<graph::RopeOp>();
  auto query = core.yielded().size() == 1 ? core.yielded()[0].getDefiningOp<graph::RopeOp>()
                                          : graph::RopeOp();
  if (!norm || !key || !query) {
    return append.emitError("expected the latent's norm, the key's and the query's rotation in "
                            "the group of an append; run dsv3-lower-rope-append");
  }
  std::optional<BufferPart> latentPart = core.partOf(norm.getX()),
                            keyPart = core.partOf(key.getX());
  int64_t latent = cast<RankedTensorType>(norm.getX().getType()).getDimSize(1);
  int64_t rope = cast<RankedTensorType>(key.getX().getType()).getDimSize(1);
  if (!latentPart || !keyPart || latentPart->source != keyPart->source ||
      keyPart->offset != latentPart->offset + latent) {
    return append.emitError("expected latent and key side by side in one buffer");
  }
  auto source = cast<RankedTensorType>(latentPart->source.getType());
  Value kv = latentPart->source;
  if (latentPart->offset != 0 || source.getDimSize(1) != latent + rope) {
    kv = kern::ViewOp::create(core.builder, core.loc,
                              RankedTensorType::get({source.getDimSize(0), latent + rope},
                                                    source.getElementType(), source.getEncoding()),
                              kv, latentPart->offset, 0);
  }
  Value queryView = core.view(query.getX());
  if (!queryView) {
    return failure();
  }
  auto op = kern::RopeAppendOp::create(core.builder, core.loc, query.getType(), queryView, kv,
                                       norm.getWeight(), key.getCos(), key.getSin(),
                                       append.getPositions(), append.getRequests(),
                                       append.getCache(), core.destination(0), norm.getEpsAttr());
  return SmallVector<Value>{op.getResult()};
}

CoreResults buildStep(CoreBuilder &core, Operation *dsv3Op) {
  OpBuilder &builder = core.builder;
  Location loc = core.loc;
  return TypeSwitch<Operation *, CoreResults>(dsv3Op)
      .Case([&](graph::CacheAppendOp op) { return buildRopeAppend(core, op); })
      .Case([&](graph::LatentAttentionOp op) -> CoreResults {
        Value query = core.view(op.getQLatent()), rope = core.view(op.getQRope());
        if (!query || !rope) {
          return failure();
        }
        return SmallVector<Value>{kern::LatentAttentionOp::create(
            builder, loc, op.getType(), query, rope, op.getPositions(), op.getRequests(),
            op.getCache(), core.destination(0), op.getScaleAttr(), IntegerAttr())};
      })
      .Case([&](graph::MlaAttentionOp op) -> CoreResults {
        Value query = core.view(op.getQNope()), rope = core.view(op.getQRope());
        if (!query || !rope) {
          return failure();
        }
        CoreBuilder::Weight weight = core.weight(op.getKvB(), op.getScales(), op.getBlockAttr());
        auto attention = kern::ExpandedAttentionOp::create(
            builder, loc, op.getType(), query, rope, weight.data, weight.scales, weight.block,
            op.getPositions(), op.getRequests(), op.getCache(), core.destination(0),
            op.getScaleAttr());
        core.fillPrologue(weight, attention.getPrologue());
        return SmallVector<Value>{attention.getResult()};
      })
      .Case([&](graph::RouterOp op) -> CoreResults {
        Value logits = core.view(op.getLogits());
        if (!logits) {
          return failure();
        }
        auto router =
            kern::RouterOp::create(builder, loc, op->getResultTypes(), logits, op.getBias(),
                                   core.destination(0), core.destination(1), op.getGroupsAttr(),
                                   op.getTopGroupsAttr(), op.getScaleAttr(), op.getNormaliseAttr());
        return SmallVector<Value>(router->getResults());
      })
      .Case([&](graph::DispatchOp op) -> CoreResults {
        auto dispatch =
            kern::DispatchOp::create(builder, loc, op->getResultTypes(), op.getExperts(),
                                     core.destination(0), core.destination(1), core.destination(2));
        return SmallVector<Value>(dispatch->getResults());
      })
      .Case([&](graph::EmbeddingOp op) -> CoreResults {
        return SmallVector<Value>{kern::GatherOp::create(builder, loc, op.getType(), op.getTable(),
                                                         op.getIds(), core.destination(0))};
      })
      .Case([&](graph::GatherRowsOp op) -> CoreResults {
        return SmallVector<Value>{kern::GatherOp::create(builder, loc, op.getType(), op.getX(),
                                                         op.getRows(), core.destination(0))};
      })
      .Case([&](graph::RopeTableOp op) -> CoreResults {
        auto table = kern::RopeTableOp::create(
            builder, loc, op->getResultTypes(), op.getPositions(), core.destination(0),
            core.destination(1), op.getInverseFrequenciesAttr(), op.getMultiplierAttr());
        return SmallVector<Value>(table->getResults());
      })
      .Case([&](graph::ConcatOp op) -> CoreResults {
        Value lhs = core.view(op.getLhs()), rhs = core.view(op.getRhs());
        if (!lhs || !rhs) {
          return failure();
        }
        return SmallVector<Value>{
            kern::ConcatOp::create(builder, loc, op.getType(), lhs, rhs, core.destination(0))};
      })
      .Case([&](graph::SampleOp op) -> CoreResults {
        Value x = core.view(op.getX());
        if (!x) {
          return failure();
        }
        return SmallVector<Value>{kern::SampleOp::create(builder, loc, op.getType(), x,
                                                         op.getRows(), core.destination(0))};
      })
      .Default([&](Operation *op) -> CoreResults {
        return core.definition.emitError("no core op computes '")
               << op->getName() << "'; lower it before, or leave it out of the entry";
      });
}

} // namespace dsv3
