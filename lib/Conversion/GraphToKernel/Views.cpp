//===- Views.cpp - slices and heads as views of whole buffers -------------===//
#include "CoreBuilder.h"

using namespace mlir;

namespace dsv3 {

std::optional<BufferPart> CoreBuilder::partOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (isa<BlockArgument>(value)) {
    return BufferPart{value, 0, type.getRank() == 3 ? type.getDimSize(2) : 0};
  }
  if (auto slice = value.getDefiningOp<graph::SliceOp>()) {
    std::optional<BufferPart> part = partOf(slice.getX());
    if (part) {
      part->offset += slice.getOffset();
    }
    return part;
  }
  if (auto split = value.getDefiningOp<graph::SplitHeadsOp>()) {
    std::optional<BufferPart> part = partOf(split.getX());
    if (part) {
      part->stride = type.getDimSize(2);
    }
    return part;
  }
  if (auto merge = value.getDefiningOp<graph::MergeHeadsOp>()) {
    std::optional<BufferPart> part = partOf(merge.getX());
    int64_t width = cast<RankedTensorType>(merge.getX().getType()).getDimSize(2);
    if (part && part->stride == width) {
      part->stride = 0;
      return part;
    }
  }
  return std::nullopt;
}

Value CoreBuilder::makeView(BufferPart part, RankedTensorType type) {
  if (part.offset == 0 && part.source.getType() == type) {
    return part.source;
  }
  return kern::ViewOp::create(builder, loc, type, part.source, part.offset,
                              type.getRank() == 3 ? part.stride : 0);
}

Value CoreBuilder::view(Value value) {
  std::optional<BufferPart> part = partOf(value);
  if (!part) {
    definition.emitError("'")
        << value.getDefiningOp()->getName()
        << "' within a kernel's input is no view of a buffer; leave it out of the group";
    return nullptr;
  }
  return makeView(*part, cast<RankedTensorType>(value.getType()));
}

Value CoreBuilder::view(Value value, int64_t offset, int64_t size) {
  std::optional<BufferPart> part = partOf(value);
  if (!part) {
    return view(value);
  }
  part->offset += offset;
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = size;
  return makeView(*part, RankedTensorType::get(shape, type.getElementType(), type.getEncoding()));
}

} // namespace dsv3
