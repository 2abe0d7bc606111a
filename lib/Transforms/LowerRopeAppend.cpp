//===- LowerRopeAppend.cpp - rotations and cache append as one kernel -----===//
//
// A lowering, not a choice: no core op rotates alone or appends alone, so an append
// that cannot be grouped ends the compilation here, where it can be said why.
//
//===----------------------------------------------------------------------===//
#include "Grouping.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_LOWERROPEAPPEND
#include "dsv3/Transforms/Passes.h.inc"

namespace {

/// A rotation of the block of `append`, other than that of the key, by the same angles.
graph::RopeOp queryRotation(graph::CacheAppendOp append, graph::RopeOp key) {
  graph::RopeOp query;
  for (Operation *user : key.getCos().getUsers()) {
    auto rope = dyn_cast<graph::RopeOp>(user);
    if (rope && rope != key && rope->getBlock() == append->getBlock()) {
      query = rope;
    }
  }
  return query;
}

/// What stands in the way of one kernel; empty if nothing does.
StringRef group(graph::CacheAppendOp append) {
  auto norm = append.getLatent().getDefiningOp<graph::RmsNormOp>();
  if (!norm || !onlyUser(norm)) {
    return "the latent to be a dsv3.rms_norm that nothing else reads";
  }
  auto key = append.getKey().getDefiningOp<graph::RopeOp>();
  if (!key || !onlyUser(key)) {
    return "the key to be a dsv3.rope that nothing else reads";
  }
  graph::RopeOp query = queryRotation(append, key);
  if (!query) {
    return "a dsv3.rope of the query by the angles of the key's";
  }
  if (!makeGroup("rope_append", {norm, key, query, append})) {
    return "no reader of the rotated query or of the cache between the four";
  }
  return {};
}

struct LowerRopeAppend : impl::LowerRopeAppendBase<LowerRopeAppend> {
  void runOnOperation() override {
    SmallVector<graph::CacheAppendOp> work;
    getOperation().walk([&](graph::CacheAppendOp op) {
      if (isFree(op)) {
        work.push_back(op);
      }
    });
    for (graph::CacheAppendOp append : work) {
      StringRef problem = group(append);
      if (!problem.empty()) {
        append.emitError("no kernel appends alone: expected ")
            << problem << graph::modelPath(append);
        return signalPassFailure();
      }
      remark::passed(append.getLoc(), remarkOptions("lower-rope-append", append))
          << "norm of the latent, rotations and append in one launch";
    }
  }
};
} // namespace
} // namespace dsv3
