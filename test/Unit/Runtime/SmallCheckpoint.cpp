//===- SmallCheckpoint.cpp - checkpoints that suit a plan -----------------===//

#include "SmallCheckpoint.h"

#include "../Checkpoint/WriteSafetensors.h"

#include "dsv3/Plan/Layout.h"
#include "dsv3/Support/Float.h"
#include "dsv3/Support/RandomNumbers.h"

#include <cstring>

using namespace dsv3;
using namespace dsv3::plan;

Plan test::planOf(std::vector<Parameter> parameters, int64_t width, std::vector<int64_t> block) {
  Plan plan;
  plan.identity = "0123", plan.policy = "f32";
  plan.vocabSize = 32, plan.hiddenSize = 8, plan.layers = 4;
  plan.scaleBlock = std::move(block);
  plan.variants = {
      {"x86-64-v3", "v3.so", ""}, {"x86-64-v4", "v4.so", ""}, {"x86-64-v4-vnni", "vnni.so", ""}};
  plan.cache = {DType::F32, 4, 4, 2, 64, 256, 1};
  plan.parameters = std::move(parameters);
  for (Parameter &parameter : plan.parameters) {
    int64_t unit = scaleForm(parameter.type) ? codesOfLane : 1;
    Layout panels{LayoutKind::Panels, ceilDiv(width, unit) * unit};
    bool dots = parameter.type == DType::BF16 || isScaledAlongRows(parameter.type);
    parameter.layouts = {Layout(), panels,
                         dots ? Layout{LayoutKind::Dots, panels.panelWidth} : panels};
  }
  return plan;
}

static std::string keyOf(std::string key, int64_t layer, int64_t group) {
  if (size_t at = key.find("{layer}"); at != std::string::npos) {
    key.replace(at, 7, std::to_string(layer));
  }
  if (size_t at = key.find("{expert}"); at != std::string::npos) {
    key.replace(at, 8, std::to_string(group));
  }
  return key;
}

static int64_t blocks(int64_t size, int64_t block) { return (size + block - 1) / block; }

test::Tensors test::randomTensors(const Plan &plan, DType scaleType) {
  RandomNumbers random(7);
  Tensors tensors;
  auto fill = [&](const std::string &key, DType type, std::vector<int64_t> shape, bool scales) {
    StoredBytes &tensor = tensors[key];
    int64_t count = shape[0] * (shape.size() > 1 ? shape[1] : 1);
    tensor = {type, std::move(shape), std::vector<std::byte>(size_t(count) * byteSize(type))};
    // No exponent is all ones, with either byte as the upper one.
    uint64_t below = type == DType::F16 ? 0x7C : 0x7F;
    for (std::byte &byte : tensor.bytes) {
      byte = std::byte(random.next() % below);
    }
    for (int64_t i = 0; scales && i < count; ++i) {
      auto value = float(random.uniform());
      uint16_t half = floatToBf16(value);
      std::memcpy(tensor.bytes.data() + i * int64_t(byteSize(type)),
                  type == DType::BF16 ? static_cast<void *>(&half) : &value, byteSize(type));
    }
  };
  for (const Parameter &parameter : plan.parameters) {
    for (int64_t layer : parameter.layers.empty() ? std::vector<int64_t>{0} : parameter.layers) {
      for (const Segment &segment : parameter.segments) {
        for (int64_t group = 0; group < parameter.groups; ++group) {
          std::vector<int64_t> shape{segment.fileRows};
          if (segment.fileColumns != 0) {
            shape.push_back(segment.fileColumns);
          }
          fill(keyOf(segment.key, layer, group), parameter.storedType(), shape, false);
          if (!segment.scaleKey.empty()) {
            fill(keyOf(segment.scaleKey, layer, group), scaleType,
                 {blocks(segment.fileRows, plan.scaleBlock[0]),
                  blocks(segment.fileColumns, plan.scaleBlock[1])},
                 true);
          }
        }
      }
    }
  }
  return tensors;
}

checkpoint::Checkpoint test::writeCheckpoint(const TemporaryDirectory &directory,
                                             const Tensors &tensors) {
  std::vector<test::TensorView> views;
  for (const auto &[key, tensor] : tensors) {
    views.push_back({{key, tensor.type, tensor.shape}, tensor.bytes});
  }
  directory.write("config.json", "{}");
  Status written = test::writeSafetensors(directory.path() / "model.safetensors", views);
  auto opened = checkpoint::Checkpoint::open(directory.path());
  if (!written || !opened) {
    throw std::runtime_error("the test's checkpoint cannot be written and read");
  }
  return *std::move(opened);
}

namespace {
/// Where an element is stored.
struct Place {
  const Segment *segment;
  int64_t row, column;
};
} // namespace

static Place placeOf(const Parameter &parameter, int64_t group, int64_t row, int64_t column) {
  const Segment *segment = parameter.segments.data();
  for (; row >= segment->rows; ++segment) {
    row -= segment->rows;
  }
  int64_t first = group * segment->groupStride + segment->firstRow;
  return segment->transposed ? Place{segment, first + column, row}
                             : Place{segment, first + row, column};
}

uint32_t test::weightBits(const Tensors &tensors, const Parameter &parameter, int64_t layer,
                          int64_t group, int64_t row, int64_t column) {
  Place place = placeOf(parameter, group, row, column);
  const StoredBytes &tensor = tensors.at(keyOf(place.segment->key, layer, group));
  size_t size = byteSize(parameter.storedType());
  uint32_t bits = 0;
  std::memcpy(&bits,
              tensor.bytes.data() +
                  size_t(place.row * place.segment->fileColumns + place.column) * size,
              size);
  return bits;
}

float test::weightScale(const Plan &plan, const Tensors &tensors, const Parameter &parameter,
                        int64_t layer, int64_t group, int64_t row, int64_t column) {
  Place place = placeOf(parameter, group, row, column);
  const StoredBytes &tensor = tensors.at(keyOf(place.segment->scaleKey, layer, group));
  auto index =
      size_t(place.row / plan.scaleBlock[0] * tensor.shape[1] + place.column / plan.scaleBlock[1]);
  if (tensor.type == DType::BF16) {
    uint16_t half = 0;
    std::memcpy(&half, tensor.bytes.data() + index * 2, 2);
    return bf16ToFloat(half);
  }
  float value = 0;
  std::memcpy(&value, tensor.bytes.data() + index * 4, 4);
  return value;
}
