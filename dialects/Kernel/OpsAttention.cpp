//===- OpsAttention.cpp - the core ops of attention and its cache ---------===//
//
// Verifiers of those ops of OpsCore.td.
//
//===----------------------------------------------------------------------===//
#include "CoreCheck.h"

using namespace mlir;
using namespace dsv3;
using namespace dsv3::kern;
using dsv3::graph::ShapeCheck;
using dsv3::graph::spell;

LogicalResult RopeTableOp::verify() {
  ShapeCheck check(*this);
  check.shape("positions", getPositions(), {"T"});
  check.let("r/2", int64_t(getInverseFrequencies().size()), "as in 'inverse_frequencies'");
  checkF32(check, "cos", getCosDestination(), {"T", "r/2"});
  checkF32(check, "sin", getSinDestination(), {"T", "r/2"});
  checkDestination(check, getCosDestination(), getCos());
  checkDestination(check, getSinDestination(), getSin());
  return check.result();
}

LogicalResult RopeAppendOp::verify() {
  ShapeCheck check(*this);
  graph::CacheType cache = getCache().getType();
  check.cache(cache);
  checkActivations(check, "query", getQuery(), {"T", "h", "r"});
  check.let("c + r", cache.getLatent() + cache.getRope(), "as in the cache");
  checkActivations(check, "kv", getKv(), {"T", "c + r"});
  checkFloat(check, "weight", getWeight(), {"c"});
  check.let("r/2", cache.getRope() / 2, "as in the cache");
  checkF32(check, "cos", getCos(), {"T", "r/2"});
  checkF32(check, "sin", getSin(), {"T", "r/2"});
  check.shape("positions", getPositions(), {"T"});
  check.shape("requests", getRequests(), {"T"});
  checkActivations(check, "outs", getDestination(), {"T", "h", "r"});
  checkDestination(check, getDestination(), getResult());
  if (!(getEps() > APFloat(0.0)) || !getEps().isFinite()) {
    return check.fail("'eps' above 0", spell(getEps()));
  }
  return check.result();
}

/// What attention leaves of `parts` parts.
static void checkPartials(ShapeCheck &check, StringRef name, Value value, int64_t parts) {
  constexpr int64_t mostParts = 4096;
  if (check.ok() && (parts < 1 || parts > mostParts)) {
    (void)check.fail("1 to " + Twine(mostParts) + " parts", Twine(parts));
    return;
  }
  check.let("parts * (c + 2)", parts * (check.number("c") + 2), "from 'parts' and the latent");
  checkF32(check, name, value, {"T", "h", "parts * (c + 2)"});
}

LogicalResult LatentAttentionOp::verify() {
  ShapeCheck check(*this);
  check.cache(getCache().getType());
  checkActivations(check, "query", getQuery(), {"T", "h", "c"});
  checkActivations(check, "rope_query", getRopeQuery(), {"T", "h", "r"});
  check.shape("positions", getPositions(), {"T"});
  check.shape("requests", getRequests(), {"T"});
  // As many pages as a context may have.
  constexpr int64_t mostPages = int64_t(1) << 18;
  if (auto pages = static_cast<int64_t>(getPartPages());
      pages < 1 || pages > mostPages || (pages > 1 && !getParts())) {
    return check.fail("'part_pages' from 1 to " + Twine(mostPages) + ", of parts",
                      Twine(pages) + (getParts() ? "" : " without parts"));
  }
  if (getParts()) {
    checkPartials(check, "outs", getDestination(), static_cast<int64_t>(*getParts()));
  } else {
    checkActivations(check, "outs", getDestination(), {"T", "h", "c"});
  }
  checkDestination(check, getDestination(), getResult());
  return check.result();
}

LogicalResult AttentionCombineOp::verify() {
  ShapeCheck check(*this);
  checkActivations(check, "outs", getDestination(), {"T", "h", "c"});
  checkPartials(check, "partials", getPartials(), static_cast<int64_t>(getParts()));
  checkDestination(check, getDestination(), getResult());
  return check.result();
}

LogicalResult ExpandedAttentionOp::verify() {
  ShapeCheck check(*this);
  check.cache(getCache().getType());
  checkActivations(check, "query", getQuery(), {"T", "h", "n"});
  checkActivations(check, "rope_query", getRopeQuery(), {"T", "h", "r"});
  checkActivations(check, "outs", getDestination(), {"T", "h", "v"});
  check.let("n + v", check.number("n") + check.number("v"), "from 'query' and 'outs'");
  check.weight("weight", getWeight(), {"h", "n + v", "c"}, getScales(), getBlock());
  checkPrologue(check, getPrologue(), Value());
  check.shape("positions", getPositions(), {"T"});
  check.shape("requests", getRequests(), {"T"});
  checkDestination(check, getDestination(), getResult());
  return check.result();
}

/// Shape and elements of what is bf16 alone.
static void checkBf16(ShapeCheck &check, StringRef name, Value value, ArrayRef<StringRef> letters) {
  check.shape(name, value, letters);
  check.element(name, value, BFloat16Type::get(value.getContext()));
}

LogicalResult ExpandLatentsOp::verify() {
  ShapeCheck check(*this);
  graph::CacheType cache = getCache().getType();
  check.cache(cache);
  if (!cache.getElementType().isBF16()) {
    return check.fail("a cache of bf16", spell(cache.getElementType()));
  }
  auto requests = static_cast<int64_t>(cache.getMaxRequests());
  check.let("S", requests * expandedRows(static_cast<int64_t>(cache.getMaxContext())),
            "rows of the cache's requests");
  checkBf16(check, "keys", getKeysDestination(), {"S", "h", "n"});
  checkBf16(check, "rope_keys", getRopeKeysDestination(), {"S", "r"});
  checkBf16(check, "values", getValuesDestination(), {"h", "v", "S"});
  check.let("n + v", check.number("n") + check.number("v"), "from 'keys' and 'values'");
  checkBf16(check, "weight", getWeight(), {"h", "n + v", "c"});
  check.shape("positions", getPositions(), {"T"});
  check.shape("requests", getRequests(), {"T"});
  checkDestination(check, getKeysDestination(), getKeys());
  checkDestination(check, getRopeKeysDestination(), getRopeKeys());
  checkDestination(check, getValuesDestination(), getValues());
  return check.result();
}

LogicalResult PrefillAttentionOp::verify() {
  ShapeCheck check(*this);
  checkBf16(check, "query", getQuery(), {"T", "h", "n"});
  checkBf16(check, "rope_query", getRopeQuery(), {"T", "h", "r"});
  checkBf16(check, "keys", getKeys(), {"S", "h", "n"});
  checkBf16(check, "rope_keys", getRopeKeys(), {"S", "r"});
  checkBf16(check, "values", getValues(), {"h", "v", "S"});
  checkBf16(check, "outs", getDestination(), {"T", "h", "v"});
  check.shape("positions", getPositions(), {"T"});
  check.shape("requests", getRequests(), {"T"});
  checkDestination(check, getDestination(), getResult());
  auto context = static_cast<int64_t>(getContextAttr().getInt());
  if (check.ok() && (context < 1 || check.number("S") % expandedRows(context) != 0)) {
    return check.fail("a 'context' whose requests fill " + Twine(check.number("S")) +
                          " rows of keys",
                      Twine(context));
  }
  return check.result();
}
