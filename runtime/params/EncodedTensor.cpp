//===- EncodedTensor.cpp - what a stored tensor means, in other elements --===//
//
// Scales of e4m3 blocks are found when they are first asked for, for a whole row of blocks:
// the rows of panels that need them are read at about the same time.
//
//===----------------------------------------------------------------------===//
#include "runtime/params/EncodedTensor.h"

#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Support/Float.h"
#include "dsv3/Support/WeightEncoding.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace dsv3::runtime {

/// Element i of `elements`.
template <typename T>
static T elementAt(Elements elements, size_t i) {
  T value;
  std::memcpy(&value, elements.first + int64_t(i) * elements.stride * int64_t(sizeof(T)),
              sizeof value);
  return value;
}

static void widen(Elements elements, DType type, std::span<float> values) {
  auto each = [&](auto value) {
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = value(i);
    }
  };
  switch (type) {
  case DType::BF16:
    return each([&](size_t i) { return bf16ToFloat(elementAt<uint16_t>(elements, i)); });
  case DType::F16:
    return each([&](size_t i) { return f16ToFloat(elementAt<uint16_t>(elements, i)); });
  case DType::F8E4M3:
    return each([&](size_t i) { return f8e4m3ToFloat(elementAt<uint8_t>(elements, i)); });
  default:
    return each([&](size_t i) { return elementAt<float>(elements, i); });
  }
}

template <typename ScaleOf>
bool TensorValues::decode(std::optional<Elements> elements, std::span<float> values, int64_t first,
                          int64_t perBlock, ScaleOf scaleOf) const {
  if (!elements) {
    return false;
  }
  widen(*elements, request.type, values);
  if (request.type == DType::F8E4M3) {
    bool damaged = false;
    for (float value : values) {
      damaged |= std::isnan(value); // no early end, so that it is done on vectors
    }
    if (damaged) {
      return false;
    }
  }
  auto count = int64_t(values.size());
  for (int64_t i = 0, end = 0; !request.scaleKey.empty() && i < count; i = end) {
    int64_t block = (first + i) / perBlock;
    end = std::min(count, (block + 1) * perBlock - first);
    float scale = scaleOf(block);
    if (checkpoint::findBadScale({&scale, 1}) == 0) {
      return false;
    }
    for (float &value : values.subspan(size_t(i), size_t(end - i))) {
      value *= scale;
    }
  }
  return true;
}

bool TensorValues::alongRow(int64_t row, std::span<float> values) const {
  std::vector<std::byte> buffer(values.size() * byteSize(request.type));
  return decode(tensor.alongRow(row, int64_t(values.size()), buffer.data()), values, 0,
                request.blockColumns,
                [&](int64_t block) { return tensor.scale(row / request.blockRows, block); });
}

bool TensorValues::downColumn(int64_t row, int64_t column, std::span<float> values) const {
  std::vector<std::byte> buffer(values.size() * byteSize(request.type));
  return decode(tensor.downColumn(row, column, int64_t(values.size()), buffer.data()), values, row,
                request.blockRows,
                [&](int64_t block) { return tensor.scale(block, column / request.blockColumns); });
}

Status findUncodable(const StoredTensor &tensor, const TensorRequest &request, DType type) {
  std::vector<float> values(size_t(request.columns)), scales(values.size() + 1);
  std::vector<uint8_t> codes(values.size());
  for (int64_t row = 0; row < request.rows; ++row) {
    bool sound = TensorValues(tensor, request).alongRow(row, values);
    if (sound && isScaledAlongRows(type)) {
      sound = encodeRow(type, values, codes, scales);
    } else if (sound) {
      sound = std::ranges::all_of(values, [&](float value) {
        return std::isfinite(type == DType::BF16 ? bf16ToFloat(floatToBf16(value)) : value);
      });
    }
    if (!sound) {
      return Failure{"the tensor '" + request.key + "' holds values in row " + std::to_string(row) +
                         " that " + std::string(name(type)) +
                         " cannot keep: too large, or no numbers",
                     "", "keep weights as they are stored: leave --weights and --head out"};
    }
  }
  return {};
}

namespace {

class EncodedTensor final : public StoredTensor {
public:
  EncodedTensor(std::unique_ptr<StoredTensor> source, const TensorRequest &request, DType type)
      : source(std::move(source)), request(request), type(type),
        block(scaleForm(type) ? encodingBlock(type) : std::array<int64_t, 2>{1, 1}),
        blocksAcross((request.columns + block[1] - 1) / block[1]) {
    if (scaleForm(type)) {
      int64_t blocksDown = (request.rows + block[0] - 1) / block[0];
      scales = std::vector<std::atomic<float>>(size_t(blocksDown * blocksAcross));
      for (std::atomic<float> &scale : scales) {
        scale = unknown;
      }
    }
  }

  std::optional<Elements> alongRow(int64_t row, int64_t count, std::byte *buffer) const override {
    std::vector<float> numbers(static_cast<size_t>(count));
    if (!values().alongRow(row, numbers)) {
      return std::nullopt;
    }
    encode(numbers, buffer, [&](int64_t i) { return scale(row / block[0], i / block[1]); });
    return Elements{buffer, 1};
  }
  std::optional<Elements> downColumn(int64_t row, int64_t column, int64_t count,
                                     std::byte *buffer) const override {
    std::vector<float> numbers(static_cast<size_t>(count));
    if (!values().downColumn(row, column, numbers)) {
      return std::nullopt;
    }
    encode(numbers, buffer,
           [&](int64_t i) { return scale((row + i) / block[0], column / block[1]); });
    return Elements{buffer, 1};
  }

  float scale(int64_t blockRow, int64_t blockColumn) const override {
    std::atomic<float> &known = scales[size_t(blockRow * blocksAcross + blockColumn)];
    if (known.load(std::memory_order_relaxed) == unknown) {
      findScales(blockRow); // another thread may do so too, and finds the same
    }
    return known.load(std::memory_order_relaxed);
  }

  void dropRows(int64_t row, int64_t count) const override { source->dropRows(row, count); }
  Status findDamage() const override {
    Status status = source->findDamage();
    return status ? findUncodable(*source, request, type) : status;
  }

private:
  static constexpr float unknown = -1;

  TensorValues values() const { return {*source, request}; }

  void findScales(int64_t blockRow) const {
    std::vector<float> largest(static_cast<size_t>(blocksAcross)),
        numbers(static_cast<size_t>(request.columns));
    int64_t end = std::min(request.rows, (blockRow + 1) * block[0]);
    for (int64_t row = blockRow * block[0]; row < end; ++row) {
      if (!values().alongRow(row, numbers)) {
        std::ranges::fill(numbers, std::numeric_limits<float>::quiet_NaN());
      }
      for (size_t i = 0; i < numbers.size(); ++i) {
        float &most = largest[i / size_t(block[1])], magnitude = std::fabs(numbers[i]);
        // What is no number stays the largest: its block has no scale, and findUncodable names it.
        most = std::isnan(magnitude) || magnitude > most ? magnitude : most;
      }
    }
    for (size_t i = 0; i < largest.size(); ++i) {
      scales[size_t(blockRow * blocksAcross) + i].store(f8Scale(largest[i]),
                                                        std::memory_order_relaxed);
    }
  }

  template <typename ScaleOf>
  void encode(std::span<const float> numbers, std::byte *buffer, ScaleOf scaleOf) const {
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (type == DType::BF16) {
        uint16_t bits = floatToBf16(numbers[i]);
        std::memcpy(buffer + i * sizeof bits, &bits, sizeof bits);
      } else {
        buffer[i] = std::byte(f8Code(numbers[i], scaleOf(int64_t(i))));
      }
    }
  }

  std::unique_ptr<StoredTensor> source;
  TensorRequest request;
  DType type;
  std::array<int64_t, 2> block;
  int64_t blocksAcross;
  mutable std::vector<std::atomic<float>> scales;
};

} // namespace

std::unique_ptr<StoredTensor> encodedTensor(std::unique_ptr<StoredTensor> source,
                                            const TensorRequest &request, DType type) {
  return std::make_unique<EncodedTensor>(std::move(source), request, type);
}

} // namespace dsv3::runtime
