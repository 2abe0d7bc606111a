//===- OpsCore.cpp - the core ops of kernels ------------------------------===//
//
// Verifiers of the ops of OpsCore.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/Extent.h"
#include "Kernel/Kernel.h"

using namespace mlir;
using namespace dsv3;
using namespace dsv3::kern;

bool dsv3::kern::isCore(Operation *op) {
  return isa<RowwiseOp, GemmOp, GroupedGemmOp, GatherOp, RopeTableOp, RopeAppendOp,
             LatentAttentionOp, ExpandedAttentionOp, RouterOp, DispatchOp, CombineOp, ConcatOp>(op);
}

LogicalResult RowwiseOp::verify() { return success(); }
LogicalResult GemmOp::verify() { return success(); }
LogicalResult GroupedGemmOp::verify() { return success(); }
LogicalResult GatherOp::verify() { return success(); }
LogicalResult RopeTableOp::verify() { return success(); }
LogicalResult RopeAppendOp::verify() { return success(); }
LogicalResult LatentAttentionOp::verify() { return success(); }
LogicalResult ExpandedAttentionOp::verify() { return success(); }
LogicalResult RouterOp::verify() { return success(); }
LogicalResult DispatchOp::verify() { return success(); }
LogicalResult CombineOp::verify() { return success(); }
LogicalResult ConcatOp::verify() { return success(); }
