//===- OpsAttention.cpp - multi-head latent attention ---------------------===//
//
// Verifiers of the ops of OpsAttention.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/ShapeCheck.h"

using namespace mlir;
using namespace dsv3::graph;

LogicalResult RopeTableOp::verify() {
  ShapeCheck check(*this);
  if (getInverseFrequencies().empty()) {
    return check.fail("a frequency for each pair of 'cos'", "none");
  }
  check.shape("positions", getPositions(), {"T"});
  check.let("r/2", int64_t(getInverseFrequencies().size()), "'inverse_frequencies'");
  check.shape("cos", getCos(), {"T", "r/2"});
  return check.result();
}

LogicalResult RopeOp::verify() {
  ShapeCheck check(*this);
  auto type = cast<RankedTensorType>(getX().getType());
  check.shape("cos", getCos(), {"T", "r/2"});
  check.let("r", scaled(check["r/2"], 2), "two columns for each of 'cos'");
  if (type.getRank() == 2) {
    check.shape("x", getX(), {"T", "r"});
  } else {
    check.shape("x", getX(), {"T", "h", "r"});
  }
  return check.result();
}

LogicalResult CacheAppendOp::verify() {
  ShapeCheck check(*this);
  check.cache(getCache().getType());
  check.shape("latent", getLatent(), {"T", "c"});
  check.shape("key", getKey(), {"T", "r"});
  check.shape("positions", getPositions(), {"T"});
  return check.result();
}

/// A request of the cache.
static LogicalResult verifyRequest(ShapeCheck &check, CacheType cache, int64_t request) {
  if (request < 0 || request >= cache.getMaxRequests()) {
    return check.fail("a request of the " + Twine(cache.getMaxRequests()) + " of the cache",
                      Twine(request), "requests are counted from 0");
  }
  return check.result();
}

LogicalResult CacheReadOp::verify() {
  ShapeCheck check(*this);
  CacheType cache = getCache().getType();
  check.cache(cache);
  check.shape("latent", getLatent(), {"S", "c"});
  check.shape("key", getKey(), {"S", "r"});
  Extent positions = check["S"];
  if (!positions.isStatic() || positions.value > cache.getMaxContext()) {
    return check.fail("a number of positions within the context of " + Twine(cache.getMaxContext()),
                      spell(positions));
  }
  return verifyRequest(check, cache, int64_t(getRequest()));
}

LogicalResult CacheRewindOp::verify() {
  ShapeCheck check(*this);
  CacheType cache = getCache().getType();
  auto length = int64_t(getLength());
  if (length < 0 || length > cache.getMaxContext()) {
    return check.fail("a length within the context of " + Twine(cache.getMaxContext()),
                      Twine(length));
  }
  return verifyRequest(check, cache, int64_t(getRequest()));
}

LogicalResult MlaAttentionOp::verify() {
  ShapeCheck check(*this);
  check.cache(getCache().getType());
  check.shape("q_nope", getQNope(), {"T", "h", "n"});
  check.shape("q_rope", getQRope(), {"T", "h", "r"});
  check.shape("result", getResult(), {"T", "h", "v"});
  check.let("n + v", check.number("n") + check.number("v"), "'q_nope' and 'result'");
  check.weight("kv_b", getKvB(), {"h", "n + v", "c"}, getScales(), getBlock());
  check.shape("positions", getPositions(), {"T"});
  return check.result();
}

LogicalResult HeadLinearOp::verify() {
  ShapeCheck check(*this);
  check.shape("x", getX(), {"T", "h", "K"});
  check.weight("weight", getWeight(), {"h", "N", "K"}, getScales(), getBlock());
  check.shape("result", getResult(), {"T", "h", "N"});
  return check.result();
}

LogicalResult LatentAttentionOp::verify() {
  ShapeCheck check(*this);
  check.cache(getCache().getType());
  check.shape("q_latent", getQLatent(), {"T", "h", "c"});
  check.shape("q_rope", getQRope(), {"T", "h", "r"});
  check.shape("positions", getPositions(), {"T"});
  return check.result();
}
