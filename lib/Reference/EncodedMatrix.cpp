//===- EncodedMatrix.cpp - a stored matrix in other elements --------------===//
//
// All of it at once, so that it is plain what is encoded together.
//
//===----------------------------------------------------------------------===//
#include "EncodedMatrix.h"

#include "dsv3/Support/Float.h"
#include "dsv3/Support/WeightEncoding.h"

#include <algorithm>
#include <cmath>

namespace dsv3::reference {
namespace {

/// What an encoded matrix consists of.
struct Encoded {
  int64_t columns = 0, blocksAcross = 0, numbers = 1;
  std::vector<float> values; ///< as stored: code × scale in f32
  std::vector<float> elements, scales;

  void encodeRows(DType type, bool &sound);
  void encodeBlocks(int64_t rows, std::array<int64_t, 2> block);
};

} // namespace

void Encoded::encodeRows(DType type, bool &sound) {
  std::vector<uint8_t> codes(static_cast<size_t>(columns));
  auto ofRow = static_cast<size_t>(blocksAcross * numbers);
  for (size_t begin = 0, row = 0; begin < values.size(); begin += codes.size(), ++row) {
    sound &= encodeRow(type, std::span(values).subspan(begin, codes.size()), codes,
                       std::span(scales).subspan(row * ofRow, ofRow));
    for (size_t i = 0; i < codes.size(); ++i) {
      elements[begin + i] = type == DType::I8 ? float(int8_t(codes[i])) : float(codes[i]);
    }
  }
}

void Encoded::encodeBlocks(int64_t rows, std::array<int64_t, 2> block) {
  auto scaleOf = [&](int64_t row, int64_t column) -> float & {
    return scales[static_cast<size_t>(row / block[0] * blocksAcross + column / block[1])];
  };
  auto forAll = [&](auto body) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) {
        body(static_cast<size_t>(row * columns + column), scaleOf(row, column));
      }
    }
  };
  forAll([&](size_t i, float &largest) { largest = std::max(largest, std::fabs(values[i])); });
  std::ranges::transform(scales, scales.begin(), f8Scale);
  forAll([&](size_t i, float &scale) { elements[i] = f8e4m3ToFloat(f8Code(values[i], scale)); });
}

std::optional<StoredMatrix> encodedMatrix(StoredMatrix stored, std::array<int64_t, 2> shape,
                                          std::array<int64_t, 2> block, DType type) {
  auto [rows, columns] = shape;
  auto made = std::make_shared<Encoded>();
  made->columns = columns;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) {
      auto value = static_cast<float>(stored.element(row, column));
      made->values.push_back(
          stored.scale ? value * static_cast<float>(stored.scale(row / block[0], column / block[1]))
                       : value);
    }
  }
  made->elements = made->values;
  std::optional<ScaleForm> form = scaleForm(type);
  bool sound = !form || std::ranges::all_of(made->values, [](float v) { return std::isfinite(v); });
  if (form) {
    std::array<int64_t, 2> encoded = encodingBlock(type);
    made->numbers = form->numbers;
    made->blocksAcross = (columns + encoded[1] - 1) / encoded[1];
    int64_t blocksDown = (rows + encoded[0] - 1) / encoded[0];
    made->scales.resize(static_cast<size_t>(blocksDown * made->blocksAcross * form->numbers));
    if (isScaledAlongRows(type)) {
      made->encodeRows(type, sound);
    } else {
      made->encodeBlocks(rows, encoded);
    }
  } else {
    std::ranges::transform(made->values, made->elements.begin(),
                           [](float value) { return bf16ToFloat(floatToBf16(value)); });
  }
  if (!sound) {
    return std::nullopt;
  }
  StoredMatrix matrix;
  matrix.element = [made](int64_t row, int64_t column) {
    return made->elements[static_cast<size_t>(row * made->columns + column)];
  };
  auto number = [made](int64_t blockRow, int64_t blockColumn, int64_t n) {
    int64_t index = (blockRow * made->blocksAcross + blockColumn) * made->numbers + n;
    return made->scales[static_cast<size_t>(index)];
  };
  if (form) {
    matrix.scale = [number](int64_t row, int64_t column) { return number(row, column, 0); };
  }
  if (form && form->numbers > 1) {
    matrix.offset = [number](int64_t row, int64_t column) { return number(row, column, 1); };
  }
  return matrix;
}

} // namespace dsv3::reference
