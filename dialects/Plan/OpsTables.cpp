//===- OpsTables.cpp - what a plan declares -------------------------------===//
//
// Verifiers of the ops of OpsTables.td, each of which looks at one op.
//
//===----------------------------------------------------------------------===//
#include "Plan/Plan.h"

using namespace mlir;
using namespace dsv3::planir;

/// `sizes` are `count` (or more, up to `most`) sizes of 1 or more.
static LogicalResult checkSizes(Operation *op, StringRef what, ArrayRef<int64_t> sizes,
                                size_t count, size_t most, StringRef hint) {
  if (sizes.size() < count || sizes.size() > most ||
      llvm::any_of(sizes, [](int64_t size) { return size < 1; })) {
    return op->emitOpError() << what << ": expected " << count << (most > count ? " or more" : "")
                             << " positive sizes, found [" << sizes << "]; hint: " << hint;
  }
  return success();
}

LogicalResult PlanOp::verify() {
  return getScaleBlock() ? checkSizes(*this, "scale_block", *getScaleBlock(), 2, 2,
                                      "the rows and columns that share a scale")
                         : success();
}

LogicalResult CacheOp::verify() {
  if (!dtypeOf(getType())) {
    return emitOpError() << "has element type " << getType() << ", which plans do not have; "
                         << "hint: f32, bf16 or f8E4M3FN";
  }
  const int64_t sizes[] = {int64_t(getLayers()), int64_t(getLatent()),  int64_t(getRope()),
                           int64_t(getPage()),   int64_t(getContext()), int64_t(getRequests())};
  return checkSizes(*this, "layers, latent, rope, page, context, requests", sizes, 6, 6,
                    "a model without a cache cannot be run");
}

LogicalResult ParameterOp::verify() {
  for (Type type : {getType(), getStored().value_or(getType())}) {
    if (!dtypeOf(type)) {
      return emitOpError() << "has element type " << type << ", which plans do not have; "
                           << "hint: f32, bf16, f16 or f8E4M3FN";
    }
  }
  if (failed(checkSizes(*this, "shape", getShape(), 3, 3, "groups, rows and columns")) ||
      (getScales() && failed(checkSizes(*this, "scales", *getScales(), 2, 2,
                                        "the rows and columns that share a scale")))) {
    return failure();
  }
  for (auto [layer, next] : llvm::zip(getLayers(), getLayers().drop_front(!getLayers().empty()))) {
    if (next <= layer) {
      return emitOpError() << "expected ascending layers, found " << next << " after " << layer;
    }
  }
  return success();
}

LogicalResult ParameterOp::verifyRegions() {
  __int128 rows = 0;
  for (Operation &op : getSegments().front()) {
    auto segment = dyn_cast<SegmentOp>(op);
    if (!segment) {
      return op.emitOpError("within a parameter; hint: a parameter holds plan.segment only");
    }
    rows += int64_t(segment.getRows());
  }
  if (rows != getShape()[1]) {
    return emitOpError() << "has " << getShape()[1] << " rows, its segments "
                         << int64_t(std::min<__int128>(rows, INT64_MAX))
                         << "; hint: each row comes from one segment";
  }
  return success();
}

LogicalResult SegmentOp::verify() {
  if (failed(checkSizes(*this, "shape", getShape(), 1, 2, "that of the stored tensor"))) {
    return failure();
  }
  auto rows = int64_t(getRows()), first = int64_t(getFirstRow());
  auto stride = int64_t(getGroupStride());
  if (rows < 1 || first < 0 || stride < 0) {
    return emitOpError() << "expected positive rows, first_row and group_stride not negative, "
                         << "found " << rows << ", " << first << " and " << stride;
  }
  return success();
}

LogicalResult KernelOp::verify() {
  if (getTiles().size() != getScratch().size()) {
    return emitOpError() << "has tiles for " << getTiles().size() << " variants, scratch for "
                         << getScratch().size() << "; hint: one of each for every variant";
  }
  llvm::SmallDenseSet<Attribute> sizes;
  for (Attribute size : getSizes()) {
    if (!sizes.insert(size).second) {
      return emitOpError() << "is given size " << size << " twice; hint: list it once";
    }
  }
  for (auto tiles : getTiles().getAsRange<TilesAttr>()) {
    if (tiles.getSize() && !sizes.contains(tiles.getSize())) {
      return emitOpError() << "counts tiles by " << tiles.getSize() << ", its sizes are "
                           << getSizes() << "; hint: add it to `sizes`";
    }
  }
  return success();
}
