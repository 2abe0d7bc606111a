//===- FuseRopeAppend.cpp - rotations and cache append as one kernel ------===//
#include "Grouping.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_FUSEROPEAPPEND
#include "dsv3/Transforms/Passes.h.inc"

namespace {
struct FuseRopeAppend : impl::FuseRopeAppendBase<FuseRopeAppend> {
  void runOnOperation() override {
    SmallVector<graph::CacheAppendOp> work;
    getOperation().walk([&](graph::CacheAppendOp op) {
      if (isFree(op)) {
        work.push_back(op);
      }
    });
    for (graph::CacheAppendOp append : work) {
      auto norm = append.getLatent().getDefiningOp<graph::RmsNormOp>();
      auto key = append.getKey().getDefiningOp<graph::RopeOp>();
      graph::RopeOp query;
      if (key) {
        for (Operation *user : key.getCos().getUsers()) {
          auto rope = dyn_cast<graph::RopeOp>(user);
          if (rope && rope != key && rope->getBlock() == append->getBlock()) {
            query = rope;
          }
        }
      }
      if (!norm || !query || !onlyUser(norm) || !onlyUser(key) ||
          !makeGroup("rope_append", {norm, key, query, append})) {
        remark::missed(append.getLoc(), remarkOptions("fuse-rope-append", append))
            << "the latent's norm, the key's and the query's rotation are not all at hand";
        continue;
      }
      remark::passed(append.getLoc(), remarkOptions("fuse-rope-append", append))
          << "norm of the latent, rotations and append in one launch";
    }
  }
};
} // namespace
} // namespace dsv3
