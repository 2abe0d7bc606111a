//===- FuseRouter.cpp - the router as one kernel --------------------------===//
#include "Grouping.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_FUSEROUTER
#include "dsv3/Transforms/Passes.h.inc"

namespace {
struct FuseRouter : impl::FuseRouterBase<FuseRouter> {
  void runOnOperation() override {
    SmallVector<graph::RouterOp> work;
    getOperation().walk([&](graph::RouterOp op) {
      if (isFree(op)) {
        work.push_back(op);
      }
    });
    for (graph::RouterOp router : work) {
      // Alone in its group nothing outside can stand in the way.
      makeGroup("router", {router});
      remark::passed(router.getLoc(), remarkOptions("fuse-router", router))
          << sentence("sigmoid, bias, {0} of {1} groups, top {2} and weights in one launch",
                      router.getTopGroups(), router.getGroups(), router.getTopK());
    }
  }
};
} // namespace
} // namespace dsv3
