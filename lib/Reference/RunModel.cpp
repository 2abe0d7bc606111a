//===- RunModel.cpp - attention and experts -------------------------------===//
//
// Ops of dsv3 and the core ops of kern that mean the same, side by side.
//
//===----------------------------------------------------------------------===//
#include "Frame.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3::reference {

LogicalResult Frame::append(Operation &op, const Tensor &latent, const Tensor &key,
                            const Tensor &positions, const Tensor &requests,
                            graph::CacheType type) {
  for (int64_t t = 0; t < latent.rows(); ++t) {
    double position = positions[t], request = requests[t];
    if (!(position >= 0 && position < static_cast<double>(type.getMaxContext()) && request >= 0 &&
          request < static_cast<double>(type.getMaxRequests()))) {
      return op.emitError("expected positions below ")
             << type.getMaxContext() << " and requests below " << type.getMaxRequests()
             << ", found position " << position << " of request " << request;
    }
    std::vector<double> row(latent.row(t), latent.row(t) + latent.columns());
    row.insert(row.end(), key.row(t), key.row(t) + key.columns());
    for (double &value : row) {
      value = roundTo(type.getElementType(), value, machine.precision);
    }
    machine.latentCache.append(layer, static_cast<int64_t>(request), static_cast<int64_t>(position),
                               std::move(row));
  }
  return success();
}

/// Columns [from, from + count) of a matrix.
static Tensor columnsOf(const Tensor &x, int64_t from, int64_t count) {
  Tensor result({x.rows(), count});
  for (int64_t t = 0; t < x.rows(); ++t) {
    std::copy(x.row(t) + from, x.row(t) + from + count, result.row(t));
  }
  return result;
}

/// As its lowering does: dispatch, two grouped products, combine.
LogicalResult Frame::runExperts(graph::ExpertsOp op) {
  Tensor gateUp = expanded(op.getGateUp(), op.getGateUpScales(), op.getGateUpBlock());
  Tensor down = expanded(op.getDown(), op.getDownScales(), op.getDownBlock());
  std::optional<Dispatched> sorted = dispatch(get(op.getExperts()), gateUp.dim(0));
  if (!sorted) {
    return op.emitError("expected experts below ") << gateUp.dim(0);
  }
  Type element = cast<RankedTensorType>(op.getX().getType()).getElementType();
  auto rounded = [&](Tensor tensor) {
    for (int64_t i = 0; i < tensor.size(); ++i) {
      tensor[i] = roundTo(element, tensor[i], machine.precision);
    }
    return tensor;
  };
  int64_t entries = sorted->rows.size();
  Tensor hidden =
      rounded(groupedProduct(get(op.getX()), sorted->offsets, &sorted->rows, gateUp, entries));
  Tensor active = rounded(siluMul(hidden));
  Tensor out = rounded(groupedProduct(active, sorted->offsets, nullptr, down, entries));
  define(op.getResult(), combine(out, sorted->slots, get(op.getWeights())));
  return success();
}

LogicalResult Frame::runModel(Operation &op, bool &known) {
  auto attended = [&](Value result, std::optional<Tensor> tensor) -> LogicalResult {
    if (!tensor) {
      return op.emitError("a token sees a position that was never appended to the cache");
    }
    define(result, *tensor);
    return success();
  };
  auto routed = [&](Value experts, Value weights, Value logits, Value bias, RouterChoice choice) {
    auto [chosen, heavy] = route(get(logits), get(bias), choice, machine.precision);
    bind(experts, chosen);
    define(weights, heavy);
    return success();
  };
  auto dispatched = [&](Value experts, int64_t count, ValueRange results) -> LogicalResult {
    std::optional<Dispatched> sorted = dispatch(get(experts), count);
    if (!sorted) {
      return op.emitError("expected experts below ") << count;
    }
    bind(results[0], sorted->offsets);
    bind(results[1], sorted->rows);
    bind(results[2], sorted->slots);
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<graph::RopeTableOp, kern::RopeTableOp>([&](auto table) {
        auto [cos, sin] = ropeTable(get(table.getPositions()), table.getInverseFrequencies(),
                                    table.getMultiplier().convertToFloat());
        define(table.getCos(), cos);
        define(table.getSin(), sin);
        return success();
      })
      .Case([&](graph::RopeOp rotated) {
        define(rotated.getResult(),
               rope(get(rotated.getX()), get(rotated.getCos()), get(rotated.getSin())));
        return success();
      })
      .Case([&](graph::CacheAppendOp write) {
        return append(op, get(write.getLatent()), get(write.getKey()), get(write.getPositions()),
                      get(write.getRequests()), cast<graph::CacheType>(write.getCache().getType()));
      })
      .Case([&](graph::CacheRewindOp rewind) {
        machine.latentCache.rewind(static_cast<int64_t>(rewind.getRequest()),
                                   static_cast<int64_t>(rewind.getLength()));
        return success();
      })
      .Case([&](graph::CacheReadOp read) -> LogicalResult {
        auto latentType = cast<RankedTensorType>(read.getLatent().getType());
        auto keyType = cast<RankedTensorType>(read.getKey().getType());
        Tensor latent(latentType.getShape()), key(keyType.getShape());
        for (int64_t s = 0; s < latent.rows(); ++s) {
          const std::vector<double> *row =
              machine.latentCache.find(layer, static_cast<int64_t>(read.getRequest()), s);
          if (!row) {
            return op.emitError("position ") << s << " was never appended to the cache";
          }
          std::copy_n(row->begin(), latent.columns(), latent.row(s));
          std::copy_n(row->begin() + latent.columns(), key.columns(), key.row(s));
        }
        bind(read.getLatent(), latent);
        bind(read.getKey(), key);
        return success();
      })
      .Case([&](kern::RopeAppendOp write) -> LogicalResult {
        const Tensor &kv = get(write.getKv());
        auto type = cast<graph::CacheType>(write.getCache().getType());
        const Tensor &cos = get(write.getCos()), &sin = get(write.getSin());
        Tensor latent = rmsNorm(columnsOf(kv, 0, type.getLatent()), get(write.getWeight()),
                                write.getEps().convertToDouble());
        Tensor key = rope(columnsOf(kv, type.getLatent(), type.getRope()), cos, sin);
        define(write.getResult(), rope(get(write.getQuery()), cos, sin));
        return append(op, latent, key, get(write.getPositions()), get(write.getRequests()), type);
      })
      .Case([&](graph::MlaAttentionOp attention) {
        return attended(
            attention.getResult(),
            expandedAttention(
                get(attention.getQNope()), get(attention.getQRope()),
                expanded(attention.getKvB(), attention.getScales(), attention.getBlock()),
                {get(attention.getPositions()), get(attention.getRequests())}, machine.latentCache,
                layer, attention.getScale().convertToDouble()));
      })
      .Case([&](kern::ExpandedAttentionOp attention) {
        return attended(
            attention.getResult(),
            expandedAttention(
                get(attention.getQuery()), get(attention.getRopeQuery()),
                expanded(attention.getWeight(), attention.getScales(), attention.getBlock()),
                {get(attention.getPositions()), get(attention.getRequests())}, machine.latentCache,
                layer, attention.getScale().convertToDouble()));
      })
      .Case([&](graph::LatentAttentionOp attention) {
        return attended(
            attention.getResult(),
            latentAttention(get(attention.getQLatent()), get(attention.getQRope()),
                            {get(attention.getPositions()), get(attention.getRequests())},
                            machine.latentCache, layer, attention.getScale().convertToDouble()));
      })
      .Case([&](kern::LatentAttentionOp attention) {
        return attended(
            attention.getResult(),
            latentAttention(get(attention.getQuery()), get(attention.getRopeQuery()),
                            {get(attention.getPositions()), get(attention.getRequests())},
                            machine.latentCache, layer, attention.getScale().convertToDouble()));
      })
      .Case([&](graph::HeadLinearOp linear) {
        define(linear.getResult(),
               headProduct(get(linear.getX()),
                           expanded(linear.getWeight(), linear.getScales(), linear.getBlock())));
        return success();
      })
      .Case([&](graph::RouterOp router) {
        return routed(
            router.getExperts(), router.getWeights(), router.getLogits(), router.getBias(),
            {static_cast<int64_t>(router.getGroups()), static_cast<int64_t>(router.getTopGroups()),
             static_cast<int64_t>(router.getTopK()), router.getScale().convertToDouble(),
             router.getNormalise()});
      })
      .Case([&](kern::RouterOp router) {
        return routed(
            router.getExperts(), router.getWeights(), router.getLogits(), router.getBias(),
            {static_cast<int64_t>(router.getGroups()), static_cast<int64_t>(router.getTopGroups()),
             cast<RankedTensorType>(router.getExperts().getType()).getDimSize(1),
             router.getScale().convertToDouble(), router.getNormalise()});
      })
      .Case([&](graph::DispatchOp sorted) {
        return dispatched(sorted.getExperts(), static_cast<int64_t>(sorted.getNumExperts()),
                          sorted->getResults());
      })
      .Case([&](kern::DispatchOp sorted) {
        auto offsets = cast<RankedTensorType>(sorted.getOffsets().getType());
        return dispatched(sorted.getExperts(), offsets.getDimSize(0) - 1, sorted->getResults());
      })
      .Case([&](graph::GroupedLinearOp linear) {
        const Tensor &x = get(linear.getX()), &offsets = get(linear.getOffsets());
        auto entries = static_cast<int64_t>(offsets[offsets.size() - 1]);
        define(linear.getResult(),
               groupedProduct(x, offsets, linear.getRows() ? &get(linear.getRows()) : nullptr,
                              expanded(linear.getWeight(), linear.getScales(), linear.getBlock()),
                              entries));
        return success();
      })
      .Case([&](graph::ExpertsOp experts) { return runExperts(experts); })
      .Case([&](graph::CombineOp sum) {
        define(sum.getResult(),
               combine(get(sum.getX()), get(sum.getSlots()), get(sum.getWeights())));
        return success();
      })
      .Default([&](Operation *) {
        known = false;
        return failure();
      });
}

} // namespace dsv3::reference
