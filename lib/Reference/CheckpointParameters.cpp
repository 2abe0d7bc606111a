//===- CheckpointParameters.cpp - weights of a checkpoint, as doubles -----===//
//
// The formula of dsv3.segment, element by element. The runtime's packing is faster
// and knows layouts; this says what it must give.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Reference/CheckpointParameters.h"

#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Plan/Key.h"
#include "dsv3/Support/Float.h"

#include <cstring>

using namespace mlir;

namespace dsv3::reference {
namespace {

double elementAt(std::span<const std::byte> bytes, DType type, int64_t index) {
  const std::byte *at = bytes.data() + index * static_cast<int64_t>(byteSize(type));
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

/// One tensor of the checkpoint.
struct FileTensor {
  std::span<const std::byte> bytes;
  DType type = DType::F32;
  int64_t columns = 1;

  double at(int64_t row, int64_t column) const {
    return elementAt(bytes, type, row * columns + column);
  }
};

class Loader {
public:
  Loader(const checkpoint::Checkpoint &checkpoint, std::array<int64_t, 2> block)
      : checkpoint(checkpoint), block(block) {}

  FailureOr<ParameterValue> load(graph::ParameterOp parameter, int64_t layer) const {
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
    for (Attribute attribute : parameter.getSegments()) {
      auto segment = cast<graph::SegmentAttr>(attribute);
      for (int64_t g = 0; g < groups; ++g) {
        FailureOr<FileTensor> data = open(parameter, segment.getKey(), layer, g);
        FailureOr<FileTensor> scales = segment.getScaleKey()
                                           ? openScales(parameter, segment.getScaleKey(), layer, g)
                                           : FailureOr<FileTensor>(FileTensor());
        if (failed(data) || failed(scales)) {
          return failure();
        }
        for (int64_t r = 0; r < segment.getRows(); ++r) {
          for (int64_t c = 0; c < columns; ++c) {
            int64_t row = g * segment.getGroupStride() + segment.getFirstRow();
            int64_t fileRow = segment.getTransposed() ? row + c : row + r;
            int64_t fileColumn = segment.getTransposed() ? r : c;
            value.data[(g * rows + base + r) * columns + c] = data->at(fileRow, fileColumn);
            if (scalesType) {
              value.scales[(g * down + (base + r) / blockRows) * across + c / blockColumns] =
                  scales->at(fileRow / block[0], fileColumn / block[1]);
            }
          }
        }
      }
      base += segment.getRows();
    }
    return value;
  }

private:
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

  FailureOr<FileTensor> openScales(graph::ParameterOp parameter, StringAttr pattern, int64_t layer,
                                   int64_t group) const {
    FailureOr<FileTensor> tensor = open(parameter, pattern, layer, group);
    if (failed(tensor)) {
      return failure();
    }
    auto count = static_cast<int64_t>(tensor->bytes.size() / byteSize(tensor->type));
    for (int64_t i = 0; i < count; ++i) {
      auto scale = static_cast<float>(elementAt(tensor->bytes, tensor->type, i));
      if (checkpoint::findBadScale({&scale, 1}) == 0) {
        return parameter.emitError("the tensor '")
               << plan::expandKey(pattern.getValue(), layer, group) << "' holds the scale "
               << std::to_string(scale) << "; hint: the file is damaged; fetch it again";
      }
    }
    return tensor;
  }

  const checkpoint::Checkpoint &checkpoint;
  std::array<int64_t, 2> block;
};

} // namespace

ParameterSource checkpointParameters(const checkpoint::Checkpoint &checkpoint,
                                     std::array<int64_t, 2> block) {
  return [loader = Loader(checkpoint, block)](graph::ParameterOp parameter, int64_t layer) {
    return loader.load(parameter, layer);
  };
}

} // namespace dsv3::reference
