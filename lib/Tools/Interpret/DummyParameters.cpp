//===- DummyParameters.cpp - made-up weights, as doubles ------------------===//
#include "DummyParameters.h"

#include "Plan/Plan.h"
#include "dsv3/Plan/Key.h"
#include "dsv3/Reference/SegmentParameters.h"
#include "runtime/params/StoredTensor.h"

using namespace mlir;

namespace dsv3::interpret {

static FailureOr<reference::StoredMatrix> makeUp(graph::ParameterOp parameter,
                                                 graph::SegmentAttr segment, int64_t layer,
                                                 int64_t group, uint64_t seed,
                                                 std::array<int64_t, 2> block) {
  Type element = parameter.getStoredType();
  std::optional<DType> type = planir::dtypeOf(element);
  if (!type) {
    return parameter.emitError("no weights of type ") << element << " can be made up";
  }
  auto expanded = [&](StringAttr pattern) {
    return pattern ? plan::expandKey(pattern.getValue(), layer, group) : std::string();
  };
  ArrayRef<int64_t> shape = segment.getShape();
  runtime::TensorRequest request{.key = expanded(segment.getKey()),
                                 .scaleKey = expanded(segment.getScaleKey()),
                                 .type = *type,
                                 .rows = shape[0],
                                 .columns = shape.size() > 1 ? shape[1] : 0,
                                 .blockRows = block[0],
                                 .blockColumns = block[1]};
  std::shared_ptr<runtime::StoredTensor> tensor = runtime::dummyTensor(request, seed);
  reference::StoredMatrix matrix;
  matrix.element = [tensor, type = *type](int64_t row, int64_t column) {
    std::array<std::byte, sizeof(double)> buffer;
    return reference::storedNumber(tensor->downColumn(row, column, 1, buffer.data())->first, type);
  };
  if (segment.getScaleKey()) {
    matrix.scale = [tensor](int64_t row, int64_t column) { return tensor->scale(row, column); };
  }
  return matrix;
}

reference::ParameterSource dummyParameters(uint64_t seed, std::array<int64_t, 2> block) {
  return reference::segmentParameters(
      [seed, block](graph::ParameterOp parameter, graph::SegmentAttr segment, int64_t layer,
                    int64_t group) {
        return makeUp(parameter, segment, layer, group, seed, block);
      },
      block);
}

} // namespace dsv3::interpret
