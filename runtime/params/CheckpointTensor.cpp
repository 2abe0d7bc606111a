//===- CheckpointTensor.cpp - a tensor of a mapped checkpoint -------------===//
#include "runtime/params/StoredTensor.h"

#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Support/Float.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace dsv3::runtime {
namespace {

class CheckpointTensor final : public StoredTensor {
public:
  CheckpointTensor(const checkpoint::Checkpoint &checkpoint, const checkpoint::TensorInfo &data,
                   const checkpoint::TensorInfo *scales)
      : checkpoint(checkpoint), data(data), scales(scales), bytes(checkpoint.bytes(data)),
        columns(data.shape.back()), elementBytes(int64_t(byteSize(*data.dtype))) {
    if (scales) {
      scaleBytes = checkpoint.bytes(*scales);
      scaleColumns = scales->shape.back();
    }
  }

  std::optional<Elements> alongRow(int64_t row, int64_t, std::byte *) const override {
    return Elements{bytes.data() + row * columns * elementBytes, 1};
  }
  bool alongRows(int64_t row, int64_t count, std::byte *buffer, int64_t rowBytes,
                 std::span<Elements> rows) const override {
    int64_t storedBytes = columns * elementBytes;
    if (rows.size() == 1 || rowBytes != storedBytes) { // used where it is mapped
      return StoredTensor::alongRows(row, count, buffer, rowBytes, rows);
    }
    for (size_t n = 0; n < rows.size(); ++n) {
      rows[n] = {buffer + int64_t(n) * storedBytes, 1};
    }
    return checkpoint
        .read(data, uint64_t(row * storedBytes), {buffer, rows.size() * size_t(storedBytes)})
        .ok();
  }
  std::optional<Elements> downColumn(int64_t row, int64_t column, int64_t,
                                     std::byte *) const override {
    return Elements{bytes.data() + (row * columns + column) * elementBytes, columns};
  }
  float scale(int64_t blockRow, int64_t blockColumn) const override {
    return scaleAt(blockRow * scaleColumns + blockColumn);
  }
  void dropRows(int64_t row, int64_t count) const override {
    uint64_t rowBytes = uint64_t(columns) * uint64_t(elementBytes);
    checkpoint.drop(data, uint64_t(row) * rowBytes, uint64_t(count) * rowBytes);
  }
  Status findDamage() const override;

private:
  float scaleAt(int64_t index) const {
    if (*scales->dtype == DType::BF16) {
      uint16_t bits = 0;
      std::memcpy(&bits, scaleBytes.data() + index * int64_t(sizeof bits), sizeof bits);
      return bf16ToFloat(bits);
    }
    float value = 0;
    std::memcpy(&value, scaleBytes.data() + index * int64_t(sizeof value), sizeof value);
    return value;
  }
  /// "NaN at [3]", "infinity at [0, 17]"
  std::string valueText(int64_t index) const {
    const std::byte *element = bytes.data() + index * elementBytes;
    uint32_t bits = 0;
    std::memcpy(&bits, element, size_t(elementBytes));
    uint32_t fraction = *data.dtype == DType::F32    ? 0x7FFFFF
                        : *data.dtype == DType::BF16 ? 0x7F
                                                     : 0x3FF;
    std::string place = data.shape.size() > 1 ? std::to_string(index / columns) + ", " : "";
    return std::string((bits & fraction) != 0 ? "NaN" : "infinity") + " at [" + place +
           std::to_string(index % columns) + "]";
  }
  Failure damaged(const checkpoint::TensorInfo &tensor, const std::string &what) const {
    return {"the tensor '" + tensor.name + "' holds " + what,
            checkpoint.fileOf(tensor).path().string(), "the file is damaged; fetch it again"};
  }

  const checkpoint::Checkpoint &checkpoint;
  const checkpoint::TensorInfo &data;
  const checkpoint::TensorInfo *scales;
  std::span<const std::byte> bytes, scaleBytes;
  int64_t columns, elementBytes, scaleColumns = 0;
};

} // namespace

Status CheckpointTensor::findDamage() const {
  std::vector<std::byte> piece(size_t(1) << 20);
  for (uint64_t at = 0; at < data.byteCount; at += piece.size()) {
    std::span room(piece.data(), std::min<uint64_t>(piece.size(), data.byteCount - at));
    if (Status read = checkpoint.read(data, at, room); !read) {
      return read;
    }
  }
  std::span codes(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  if (*data.dtype == DType::F8E4M3 && checkpoint::containsNaNCode(codes)) {
    return damaged(data, "NaN (code 0x7F or 0xFF)");
  }
  size_t wrong = checkpoint::findNotFinite(bytes, *data.dtype);
  if (wrong < bytes.size() / size_t(elementBytes)) {
    return damaged(data, valueText(int64_t(wrong)));
  }
  int64_t count = scales ? scaleColumns * scales->shape.front() : 0;
  for (int64_t i = 0; i < count; ++i) {
    float value = scaleAt(i);
    if (checkpoint::findBadScale(std::span(&value, 1)) == 0) {
      return damaged(*scales, "the scale " + std::to_string(value) + " for block [" +
                                  std::to_string(i / scaleColumns) + ", " +
                                  std::to_string(i % scaleColumns) + "]");
    }
  }
  return {};
}

std::unique_ptr<StoredTensor> checkpointTensor(const checkpoint::Checkpoint &checkpoint,
                                               const checkpoint::TensorInfo &data,
                                               const checkpoint::TensorInfo *scales) {
  return std::make_unique<CheckpointTensor>(checkpoint, data, scales);
}

} // namespace dsv3::runtime
