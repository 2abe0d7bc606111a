//===- SegmentParameters.cpp - parameters from stored tensors -------------===//
//
// Element by element. The runtime's packing is faster and knows layouts; this says what
// it must give.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Reference/SegmentParameters.h"

#include "EncodedMatrix.h"
#include "dsv3/Support/Float.h"
#include "dsv3/Support/WeightEncoding.h"

#include <cstring>

using namespace mlir;

namespace dsv3::reference {

double storedNumber(const std::byte *at, DType type) {
  uint16_t half = 0;
  float single = 0.0F;
  switch (type) {
  case DType::BF16:
    std::memcpy(&half, at, sizeof half);
    return bf16ToFloat(half);
  case DType::F16:
    std::memcpy(&half, at, sizeof half);
    return f16ToFloat(half);
  case DType::F8E4M3:
    return f8e4m3ToFloat(static_cast<uint8_t>(*at));
  default:
    std::memcpy(&single, at, sizeof single);
    return single;
  }
}

/// The matrix of a segment as the parameter encodes it.
static FailureOr<StoredMatrix> encoded(graph::ParameterOp parameter, graph::SegmentAttr segment,
                                       StoredMatrix stored, std::array<int64_t, 2> block) {
  ArrayRef<int64_t> shape = segment.getShape();
  Type element = cast<RankedTensorType>(parameter.getType()).getElementType();
  std::optional<StoredMatrix> matrix = encodedMatrix(
      std::move(stored),
      shape.size() > 1 ? std::array{shape[0], shape[1]} : std::array{int64_t(1), shape[0]}, block,
      graph::codesOf(element).value_or(DType::BF16));
  if (!matrix) {
    return parameter.emitError("the tensor '")
           << segment.getKey().getValue() << "' holds values that " << element
           << " cannot keep: too large, or no numbers";
  }
  return *matrix;
}

static FailureOr<ParameterValue> load(const MatrixOpener &open, std::array<int64_t, 2> block,
                                      graph::ParameterOp parameter, int64_t layer) {
  auto [groups, rows, columns] = parameter.getExtents();
  auto type = cast<RankedTensorType>(parameter.getType());
  ParameterValue value{Tensor(std::vector<int64_t>(type.getShape())), Tensor()};
  RankedTensorType scalesType = parameter.getScalesType();
  int64_t blockRows = 1, blockColumns = 1;
  if (scalesType) {
    value.scales = Tensor(std::vector<int64_t>(scalesType.getShape()));
    blockRows = (*parameter.getBlock())[0], blockColumns = (*parameter.getBlock())[1];
  }
  Type element = type.getElementType();
  std::optional<DType> codes = graph::codesOf(element);
  int64_t numbers = codes ? scaleForm(*codes)->numbers : 1;
  // What is encoded has blocks of its own.
  std::array<int64_t, 2> tensorBlock =
      parameter.getStored() && codes ? encodingBlock(*codes) : block;
  int64_t across = (columns + blockColumns - 1) / blockColumns;
  int64_t down = (rows + blockRows - 1) / blockRows;
  int64_t base = 0;
  for (auto segment : parameter.getSegments().getAsRange<graph::SegmentAttr>()) {
    for (int64_t g = 0; g < groups; ++g) {
      FailureOr<StoredMatrix> matrix = open(parameter, segment, layer, g);
      if (succeeded(matrix) && parameter.getStored()) {
        matrix = encoded(parameter, segment, std::move(*matrix), block);
      }
      if (failed(matrix)) {
        return failure();
      }
      for (int64_t r = 0; r < segment.getRows(); ++r) {
        for (int64_t c = 0; c < columns; ++c) {
          int64_t row = g * segment.getGroupStride() + segment.getFirstRow();
          int64_t fileRow = segment.getTransposed() ? row + c : row + r;
          int64_t fileColumn = segment.getTransposed() ? r : c;
          value.data[(g * rows + base + r) * columns + c] = matrix->element(fileRow, fileColumn);
          if (scalesType) {
            int64_t index =
                ((g * down + (base + r) / blockRows) * across + c / blockColumns) * numbers;
            int64_t blockRow = fileRow / tensorBlock[0], blockColumn = fileColumn / tensorBlock[1];
            value.scales[index] = matrix->scale(blockRow, blockColumn);
            if (matrix->offset) {
              value.scales[index + 1] = matrix->offset(blockRow, blockColumn);
            }
          }
        }
      }
    }
    base += segment.getRows();
  }
  return value;
}

ParameterSource segmentParameters(MatrixOpener open, std::array<int64_t, 2> block) {
  return [open = std::move(open), block](graph::ParameterOp parameter, int64_t layer) {
    return load(open, block, parameter, layer);
  };
}

} // namespace dsv3::reference
