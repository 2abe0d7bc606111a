//===- RunAttention.cpp - rotations, cache and attention ------------------===//
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
             << ", found position " << static_cast<int64_t>(position) << " of request "
             << static_cast<int64_t>(request);
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

LogicalResult Frame::cacheRead(graph::CacheReadOp read) {
  auto latentType = cast<RankedTensorType>(read.getLatent().getType());
  auto keyType = cast<RankedTensorType>(read.getKey().getType());
  Tensor latent(latentType.getShape()), key(keyType.getShape());
  for (int64_t s = 0; s < latent.rows(); ++s) {
    const std::vector<double> *row =
        machine.latentCache.find(layer, static_cast<int64_t>(read.getRequest()), s);
    if (!row) {
      return read.emitError("position ") << s << " was never appended to the cache";
    }
    std::copy_n(row->begin(), latent.columns(), latent.row(s));
    std::copy_n(row->begin() + latent.columns(), key.columns(), key.row(s));
  }
  bind(read.getLatent(), latent);
  bind(read.getKey(), key);
  return success();
}

LogicalResult Frame::ropeAppend(kern::RopeAppendOp write) {
  const Tensor &kv = get(write.getKv());
  auto type = cast<graph::CacheType>(write.getCache().getType());
  const Tensor &cos = get(write.getCos()), &sin = get(write.getSin());
  Tensor latent = rmsNorm(columnsOf(kv, 0, type.getLatent()), get(write.getWeight()),
                          write.getEps().convertToDouble());
  Tensor key = rope(columnsOf(kv, type.getLatent(), type.getRope()), cos, sin);
  define(write.getResult(), rope(get(write.getQuery()), cos, sin));
  return append(*write, latent, key, get(write.getPositions()), get(write.getRequests()), type);
}

LogicalResult Frame::runAttention(Operation &op, bool &known) {
  auto attended = [&](Value result, std::optional<Tensor> tensor) -> LogicalResult {
    if (!tensor) {
      return op.emitError("a token sees a position that was never appended to the cache");
    }
    define(result, *tensor);
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
      .Case([&](graph::CacheReadOp read) { return cacheRead(read); })
      .Case([&](kern::RopeAppendOp write) { return ropeAppend(write); })
      .Case([&](graph::MlaAttentionOp attention) {
        return attended(
            attention.getResult(),
            expandedAttention(
                get(attention.getQNope()), get(attention.getQRope()),
                expanded(attention.getKvB(), attention.getScales(), attention.getBlock()),
                {get(attention.getPositions()), get(attention.getRequests())}, machine.latentCache,
                layer, attention.getScale().convertToDouble()));
      })
      .Case([&](kern::ExpandedAttentionOp attention) -> LogicalResult {
        FailureOr<Tensor> weight =
            prologued(attention.getPrologue(),
                      expanded(attention.getWeight(), attention.getScales(), attention.getBlock()));
        if (failed(weight)) {
          return failure();
        }
        return attended(
            attention.getResult(),
            expandedAttention(get(attention.getQuery()), get(attention.getRopeQuery()), *weight,
                              {get(attention.getPositions()), get(attention.getRequests())},
                              machine.latentCache, layer, attention.getScale().convertToDouble()));
      })
      .Case([&](kern::ExpandLatentsOp op) -> LogicalResult {
        auto cache = cast<graph::CacheType>(op.getCache().getType());
        int64_t rows = kern::expandedRows(static_cast<int64_t>(cache.getMaxContext()));
        auto keysType = cast<RankedTensorType>(op.getKeys().getType());
        auto made = expandLatents(get(op.getWeight()), keysType.getDimSize(2),
                                  {get(op.getPositions()), get(op.getRequests())},
                                  machine.latentCache, layer,
                                  {keysType.getDimSize(0), rows, kern::expandedPiece,
                                   static_cast<int64_t>(cache.getRope())});
        if (!made) {
          return op.emitError("a token sees a position that was never appended to the cache");
        }
        define(op.getKeys(), made->keys);
        define(op.getRopeKeys(), made->ropeKeys);
        define(op.getValues(), made->values);
        return success();
      })
      .Case([&](kern::PrefillAttentionOp attention) {
        StepTokens tokens{get(attention.getPositions()), get(attention.getRequests())};
        int64_t rows = kern::expandedRows(attention.getContextAttr().getInt());
        define(attention.getResult(),
               prefillAttention(get(attention.getQuery()), get(attention.getRopeQuery()),
                                {get(attention.getKeys()), get(attention.getRopeKeys()),
                                 get(attention.getValues())},
                                tokens, rows, attention.getScale().convertToDouble()));
        return success();
      })
      .Case([&](graph::LatentAttentionOp attention) {
        return attended(
            attention.getResult(),
            latentAttention(get(attention.getQLatent()), get(attention.getQRope()),
                            {get(attention.getPositions()), get(attention.getRequests())},
                            machine.latentCache, layer, attention.getScale().convertToDouble()));
      })
      .Case([&](kern::AttentionCombineOp combine) {
        define(combine.getResult(),
               combineParts(get(combine.getPartials()), static_cast<int64_t>(combine.getParts())));
        return success();
      })
      .Case([&](kern::LatentAttentionOp attention) {
        StepTokens tokens{get(attention.getPositions()), get(attention.getRequests())};
        auto cache = cast<graph::CacheType>(attention.getCache().getType());
        if (attention.getParts()) {
          return attended(attention.getResult(),
                          latentParts(get(attention.getQuery()), get(attention.getRopeQuery()),
                                      tokens, machine.latentCache, layer,
                                      attention.getScale().convertToDouble(),
                                      {static_cast<int64_t>(*attention.getParts()),
                                       static_cast<int64_t>(cache.getPage()),
                                       static_cast<int64_t>(attention.getPartPages())}));
        }
        return attended(attention.getResult(),
                        latentAttention(get(attention.getQuery()), get(attention.getRopeQuery()),
                                        tokens, machine.latentCache, layer,
                                        attention.getScale().convertToDouble()));
      })
      .Case([&](graph::HeadLinearOp linear) {
        define(linear.getResult(),
               headProduct(context(), get(linear.getX()),
                           expanded(linear.getWeight(), linear.getScales(), linear.getBlock())));
        return success();
      })
      .Default([&](Operation *) {
        known = false;
        return failure();
      });
}

} // namespace dsv3::reference
