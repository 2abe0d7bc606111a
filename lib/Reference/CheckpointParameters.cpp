//===- CheckpointParameters.cpp - weights of a checkpoint, as doubles -----===//
#include "dsv3/Reference/CheckpointParameters.h"

#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Plan/Key.h"
#include "dsv3/Reference/SegmentParameters.h"

using namespace mlir;

namespace dsv3::reference {
namespace {

/// One tensor of the checkpoint.
struct FileTensor {
  std::span<const std::byte> bytes;
  DType type = DType::F32;
  int64_t columns = 1;

  double at(int64_t row, int64_t column) const {
    auto offset = static_cast<size_t>(row * columns + column) * byteSize(type);
    return storedNumber(bytes.data() + offset, type);
  }
};

class Opener {
public:
  explicit Opener(const checkpoint::Checkpoint &checkpoint) : checkpoint(checkpoint) {}

  FailureOr<StoredMatrix> operator()(graph::ParameterOp parameter, graph::SegmentAttr segment,
                                     int64_t layer, int64_t group) const {
    FailureOr<FileTensor> data = open(parameter, segment.getKey(), layer, group);
    if (failed(data) || failed(checkFinite(parameter, segment.getKey(), layer, group, *data))) {
      return failure();
    }
    StoredMatrix matrix{reader(*data), {}};
    if (segment.getScaleKey()) {
      FailureOr<FileTensor> scales = openScales(parameter, segment.getScaleKey(), layer, group);
      if (failed(scales)) {
        return failure();
      }
      matrix.scale = reader(*scales);
    }
    return matrix;
  }

private:
  static std::function<double(int64_t, int64_t)> reader(const FileTensor &tensor) {
    return [tensor](int64_t row, int64_t column) { return tensor.at(row, column); };
  }

  FailureOr<FileTensor> open(graph::ParameterOp parameter, StringAttr pattern, int64_t layer,
                             int64_t group) const {
    std::string key = plan::expandKey(pattern.getValue(), layer, group);
    const checkpoint::TensorInfo *info = checkpoint.find(key);
    if (!info || !info->dtype) {
      return parameter.emitError("the checkpoint has no tensor '") << key << "'";
    }
    FileTensor tensor{checkpoint.bytes(*info), *info->dtype,
                      info->shape.size() > 1 ? info->shape[1] : info->shape[0]};
    auto codes =
        std::span(reinterpret_cast<const uint8_t *>(tensor.bytes.data()), tensor.bytes.size());
    if (tensor.type == DType::F8E4M3 && checkpoint::containsNaNCode(codes)) {
      return parameter.emitError("the tensor '")
             << key << "' holds NaN (code 0x7F or 0xFF); hint: the file is damaged; fetch it again";
    }
    return tensor;
  }

  static LogicalResult checkFinite(graph::ParameterOp parameter, StringAttr pattern, int64_t layer,
                                   int64_t group, const FileTensor &tensor) {
    size_t count = tensor.bytes.size() / byteSize(tensor.type);
    size_t wrong = count <= size_t(checkpoint::mostValuesLookedAt)
                       ? checkpoint::findNotFinite(tensor.bytes, tensor.type)
                       : count;
    if (wrong == count) {
      return success();
    }
    return parameter.emitError("the tensor '")
           << plan::expandKey(pattern.getValue(), layer, group) << "' holds NaN or infinity, value "
           << wrong << "; hint: the file is damaged; fetch it again";
  }

  FailureOr<FileTensor> openScales(graph::ParameterOp parameter, StringAttr pattern, int64_t layer,
                                   int64_t group) const {
    FailureOr<FileTensor> tensor = open(parameter, pattern, layer, group);
    if (failed(tensor)) {
      return failure();
    }
    auto count = static_cast<int64_t>(tensor->bytes.size() / byteSize(tensor->type));
    for (int64_t i = 0; i < count; ++i) {
      auto scale = static_cast<float>(tensor->at(0, i));
      if (checkpoint::findBadScale({&scale, 1}) == 0) {
        return parameter.emitError("the tensor '")
               << plan::expandKey(pattern.getValue(), layer, group) << "' holds the scale "
               << std::to_string(scale) << "; hint: the file is damaged; fetch it again";
      }
    }
    return tensor;
  }

  const checkpoint::Checkpoint &checkpoint;
};

} // namespace

ParameterSource checkpointParameters(const checkpoint::Checkpoint &checkpoint,
                                     std::array<int64_t, 2> block) {
  return segmentParameters(Opener(checkpoint), block);
}

} // namespace dsv3::reference
