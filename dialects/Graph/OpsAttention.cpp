//===- OpsAttention.cpp - multi-head latent attention ---------------------===//
//
// Verifiers of the ops of OpsAttention.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/Extent.h"
#include "Graph/Graph.h"

using namespace mlir;
using namespace dsv3::graph;

LogicalResult RopeTableOp::verify() { return success(); }
LogicalResult RopeOp::verify() { return success(); }
LogicalResult CacheAppendOp::verify() { return success(); }
LogicalResult CacheReadOp::verify() { return success(); }
LogicalResult CacheRewindOp::verify() { return success(); }
LogicalResult MlaAttentionOp::verify() { return success(); }
LogicalResult HeadLinearOp::verify() { return success(); }
LogicalResult LatentAttentionOp::verify() { return success(); }
