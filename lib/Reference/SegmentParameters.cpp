//===- SegmentParameters.cpp - parameters from stored tensors -------------===//
//
// Element by element. The runtime's packing is faster and knows layouts; this says what
// it must give.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Reference/SegmentParameters.h"

#include "dsv3/Support/Float.h"

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
  int64_t across = (columns + blockColumns - 1) / blockColumns;
  int64_t down = (rows + blockRows - 1) / blockRows;
  int64_t base = 0;
  for (auto segment : parameter.getSegments().getAsRange<graph::SegmentAttr>()) {
    for (int64_t g = 0; g < groups; ++g) {
      FailureOr<StoredMatrix> matrix = open(parameter, segment, layer, g);
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
            value.scales[(g * down + (base + r) / blockRows) * across + c / blockColumns] =
                matrix->scale(fileRow / block[0], fileColumn / block[1]);
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
