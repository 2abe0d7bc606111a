//===- ParamsTest.cpp - weights where kernels read them -------------------===//

#include "SmallCheckpoint.h"

#include "dsv3/Plan/Layout.h"
#include "dsv3/Plan/PlanFile.h"
#include "runtime/params/PackJob.h"
#include "runtime/params/ParameterStore.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>

using namespace dsv3;
using namespace dsv3::plan;
using namespace dsv3::runtime;
using namespace dsv3::test;

/// A parameter of one tensor for each group, or one tensor for all.
static Parameter parameterOf(DType type, int64_t groups, int64_t rows, int64_t columns,
                             Segment segment) {
  Parameter parameter;
  parameter.name = "weight", parameter.type = type;
  parameter.groups = groups, parameter.rows = rows, parameter.columns = columns;
  parameter.segments = {std::move(segment)};
  return parameter;
}

static Parameter scaled(Parameter parameter, int64_t scaleRows, int64_t scaleColumns) {
  parameter.scaleRows = scaleRows, parameter.scaleColumns = scaleColumns;
  for (Segment &segment : parameter.segments) {
    segment.scaleKey = segment.key + "_scale_inv";
  }
  return parameter;
}

/// Compares the memory of a parameter with what the formulas say, byte for byte.
static void expectPacked(const Plan &plan, const Tensors &tensors, const ParameterStore &store,
                         size_t index, size_t variant) {
  const Parameter &parameter = plan.parameters[index];
  PackedShape shape(parameter, parameter.layouts[variant]);
  size_t size = byteSize(parameter.type);
  for (int64_t layer : parameter.layers.empty() ? std::vector<int64_t>{-1} : parameter.layers) {
    std::vector<std::byte> data(size_t(shape.dataElements()) * size);
    std::vector<float> scales(size_t(shape.scaleElements()));
    for (int64_t g = 0; g < parameter.groups; ++g) {
      for (int64_t r = 0; r < parameter.rows; ++r) {
        for (int64_t c = 0; c < parameter.columns; ++c) {
          uint32_t bits = weightBits(tensors, parameter, layer, g, r, c);
          if (size == 1 && parameter.layouts[variant].kind == LayoutKind::Panels) {
            bits = panelCode(uint8_t(bits));
          }
          std::memcpy(data.data() + size_t(shape.dataIndex(g, r, c)) * size, &bits, size);
          if (!scales.empty()) {
            scales[size_t(shape.scaleIndex(g, r, c))] =
                weightScale(plan, tensors, parameter, layer, g, r, c);
          }
        }
      }
    }
    const std::byte *packed = store.data(index, layer);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(packed) % 64, 0U);
    EXPECT_TRUE(std::equal(data.begin(), data.end(), packed))
        << parameter.name << ", layer " << layer << ", variant " << variant;
    ASSERT_EQ(store.scales(index, layer) == nullptr, scales.empty());
    EXPECT_TRUE(scales.empty() || std::memcmp(scales.data(), store.scales(index, layer),
                                              scales.size() * sizeof(float)) == 0)
        << "scales of " << parameter.name << ", layer " << layer << ", variant " << variant;
  }
}

/// Packs every parameter in both layouts and compares all elements.
static void expectAllPacked(const Plan &plan, DType scaleType = DType::F32) {
  Status valid = validate(plan);
  ASSERT_TRUE(valid.ok()) << valid.failure().message();
  Tensors tensors = randomTensors(plan, scaleType);
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
  for (size_t variant = 0; variant < plan.variants.size(); ++variant) {
    for (int threads : {1, 3}) {
      auto store = ParameterStore::load(plan, variant, checkpoint, {threads, {}, nullptr});
      ASSERT_TRUE(store.ok()) << store.failure().message();
      for (size_t i = 0; i < plan.parameters.size(); ++i) {
        expectPacked(plan, tensors, *store, i, variant);
      }
    }
  }
}

TEST(Params, EveryTypeAndRaggedRows) {
  for (DType type : {DType::F32, DType::F16, DType::BF16, DType::F8E4M3}) {
    for (int64_t width : {2, 16, 32, 64}) {
      for (auto [rows, columns] : {std::pair(1, 1), std::pair(33, 70), std::pair(64, 129)}) {
        expectAllPacked(planOf(
            {parameterOf(type, 1, rows, columns, {"w", "", rows, columns, 0, 0, rows, false})},
            width));
      }
    }
  }
}

/// Rows that lie side by side are stored a word at a time, in tiles of columns: every
/// remainder of columns and rows, widths that fill no word, and strided rows.
TEST(Params, WordsAndTilesOfPanels) {
  for (DType type : {DType::F32, DType::F16, DType::BF16, DType::F8E4M3}) {
    for (int64_t width : {2, 6, 12, 16, 32, 64}) {
      Parameter plain = parameterOf(type, 1, 45, 515, {"plain", "", 45, 515, 0, 0, 45, false});
      Parameter turned = parameterOf(type, 2, 45, 259, {"turned", "", 520, 45, 260, 1, 45, true});
      plain.name = "plain", turned.name = "turned";
      expectAllPacked(planOf({plain, turned}, width));
    }
  }
}

TEST(Params, VectorsArePlain) {
  Parameter norm = parameterOf(DType::BF16, 1, 1, 37, {"norm", "", 37, 0, 0, 0, 1, false});
  expectAllPacked(planOf({norm}, 16));
}

TEST(Params, PartsAndSegmentsOfExpertsInLayers) {
  // Gate and up of three experts in two of the four layers.
  Parameter gateUp =
      parameterOf(DType::BF16, 3, 42, 19,
                  {"model.layers.{layer}.mlp.experts.{expert}.gate", "", 21, 19, 0, 0, 21, false});
  gateUp.segments.push_back(
      {"model.layers.{layer}.mlp.experts.{expert}.up", "", 21, 19, 0, 0, 21, false});
  gateUp.parts = 2, gateUp.layers = {1, 3};
  expectAllPacked(planOf({gateUp}, 16));
}

TEST(Params, HeadsOfOneTensorPlainAndTransposed) {
  // kv_b: 5 heads of 7 + 6 rows; one parameter reads the first rows of a head transposed,
  // the other its last rows.
  Parameter keys = parameterOf(DType::BF16, 5, 24, 7, {"kv_b", "", 65, 24, 13, 0, 24, true});
  Parameter values = parameterOf(DType::BF16, 5, 6, 24, {"kv_b", "", 65, 24, 13, 7, 6, false});
  keys.name = "keys", values.name = "values";
  expectAllPacked(planOf({keys, values}, 16));
}

TEST(Params, ScalesOfRaggedBlocks) {
  for (DType scaleType : {DType::F32, DType::BF16}) {
    Parameter weight =
        parameterOf(DType::F8E4M3, 1, 150, 200, {"w", "", 150, 200, 0, 0, 150, false});
    expectAllPacked(planOf({scaled(weight, 128, 128)}, 32), scaleType);
    expectAllPacked(planOf({scaled(weight, 64, 32)}, 32, {64, 32}), scaleType);
  }
}

TEST(Params, ScalesWhoseBlocksShrinkAtBorders) {
  // Heads of 48 rows: blocks of 16 rows lie within one of 128 of the checkpoint.
  Parameter heads =
      parameterOf(DType::F8E4M3, 4, 48, 130, {"kv_b", "", 192, 130, 48, 0, 48, false});
  Parameter keys = parameterOf(DType::F8E4M3, 4, 130, 32, {"kv_b", "", 192, 130, 48, 0, 130, true});
  heads.name = "heads", keys.name = "keys";
  expectAllPacked(planOf({scaled(heads, 16, 128), scaled(keys, 128, 16)}, 16));
  // Two tensors one below the other, with rows that are no multiple of the panel.
  Parameter joined = parameterOf(DType::F8E4M3, 1, 60, 140, {"q_a", "", 40, 140, 0, 0, 40, false});
  joined.segments.push_back({"kv_a", "", 20, 140, 0, 0, 20, false});
  expectAllPacked(planOf({scaled(joined, 20, 128)}, 16));
}

TEST(Params, ManyUnitsOfWork) {
  Parameter weight =
      parameterOf(DType::BF16, 2, 600, 1100, {"w", "", 1200, 1100, 600, 0, 600, false});
  expectAllPacked(planOf({weight}, 32));
}

// The second unit begins in the middle of a block of scales.
TEST(Params, UnitsOfWorkThatDivideABlockOfScales) {
  expectAllPacked(planOf(
      {scaled(parameterOf(DType::F8E4M3, 1, 2000, 1100, {"w", "", 2000, 1100, 0, 0, 2000, false}),
              128, 128)},
      16));
}

TEST(Params, DamageOfTheLastUnitIsFound) {
  Parameter weight =
      scaled(parameterOf(DType::F8E4M3, 1, 2000, 1100, {"w", "", 2000, 1100, 0, 0, 2000, false}),
             128, 128);
  Plan plan = planOf({weight}, 16);
  Tensors tensors = randomTensors(plan);
  tensors["w"].bytes.back() = std::byte(0x7F);
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
  for (size_t variant : {0, 1}) {
    auto store = ParameterStore::load(plan, variant, checkpoint);
    ASSERT_FALSE(store.ok());
    EXPECT_NE(store.failure().what.find("'w' holds NaN"), std::string::npos);
  }
}

/// Resident bytes of the mapping that holds `address`.
static int64_t residentAround(const std::byte *address) {
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t begin = 0, end = 0;
    long kilobytes = 0;
    if (std::sscanf(line.c_str(), "%zx-%zx ", &begin, &end) == 2) {
      auto at = reinterpret_cast<uintptr_t>(address);
      inside = begin <= at && at < end;
    } else if (inside && std::sscanf(line.c_str(), "Rss: %ld", &kilobytes) == 1) {
      return int64_t(kilobytes) * 1024;
    }
  }
  return -1;
}

TEST(Params, WhatWasReadOfATensorDoesNotStayInMemory) {
  constexpr int64_t rows = 4096, columns = 2048;
  Plan plan = planOf(
      {parameterOf(DType::BF16, 1, rows, columns, {"w", "", rows, columns, 0, 0, rows, false})},
      32);
  Tensors tensors = randomTensors(plan);
  std::ranges::fill(tensors["w"].bytes, std::byte(0x3F)); // numbers that can be encoded
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
  ASSERT_TRUE(checkpoint.map());
  const checkpoint::TensorInfo &tensor = *checkpoint.find("w");
  // Rows that are copied as they are, and rows that are encoded.
  Parameter encoded = plan.parameters[0];
  encoded.stored = encoded.type, encoded.type = DType::I8;
  encoded.scaleRows = 1, encoded.scaleColumns = 32;
  for (const Parameter &weight : {plan.parameters[0], encoded}) {
    Packer packer(weight, weight.layouts[0]);
    ParameterReader reader(plan, weight, -1, [&](const TensorRequest &) {
      return checkpointTensor(checkpoint, tensor, nullptr);
    });
    std::vector<std::byte> data(packer.dataBytes()), scales(packer.scaleBytes());
    std::vector<PackItem> items;
    items.push_back({&packer, std::move(reader), data, scales});
    int64_t resident = -1;
    auto look = [&](const PackItem &) {
      resident = residentAround(checkpoint.bytes(tensor).data());
    };
    ASSERT_TRUE(packItems(items, {1, {}, nullptr}, look));
    EXPECT_GE(resident, 0);
    EXPECT_LT(resident, int64_t(tensor.byteCount / 4));
  }
}

TEST(Params, AFileThatChangedIsNamed) {
  Plan plan = planOf({parameterOf(DType::BF16, 1, 64, 40, {"w", "", 64, 40, 0, 0, 64, false})}, 32);
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, randomTensors(plan));
  ASSERT_TRUE(checkpoint.map());
  std::filesystem::path path = checkpoint.fileOf(*checkpoint.find("w")).path();
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  auto store = ParameterStore::load(plan, 1, checkpoint);
  ASSERT_FALSE(store.ok());
  EXPECT_NE(store.failure().what.find("bytes when it was opened, now "), std::string::npos);
  EXPECT_EQ(store.failure().where, path.string());
}

TEST(Params, EverythingThatDoesNotFitIsNamedAtOnce) {
  Parameter weight = scaled(
      parameterOf(DType::F8E4M3, 1, 8, 8, {"layers.{layer}.w", "", 8, 8, 0, 0, 8, false}), 8, 8);
  weight.layers = {0, 1, 2};
  Parameter norm = parameterOf(DType::BF16, 1, 1, 8, {"norm", "", 8, 0, 0, 0, 1, false});
  norm.name = "norm";
  Plan plan = planOf({weight, norm}, 16);
  Tensors tensors = randomTensors(plan);
  tensors.erase("layers.1.w");
  tensors["layers.2.w"].type = DType::U8;
  tensors["layers.0.w_scale_inv"] = {DType::F64, {1, 1}, std::vector<std::byte>(8)};
  tensors["norm"] = {DType::BF16, {7}, std::vector<std::byte>(14)};
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
  auto store = ParameterStore::load(plan, 0, checkpoint);
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.failure().what, "the checkpoint does not hold what the plan was compiled for:\n"
                                  "  'layers.0.w_scale_inv' has type F64, expected F32 or BF16\n"
                                  "  'layers.1.w' is missing\n"
                                  "  'layers.2.w' has type U8, expected F8_E4M3\n"
                                  "  'norm' has shape [7], expected [8]");
}

TEST(Params, DamagedValuesAreRefusedByName) {
  Parameter weight = scaled(
      parameterOf(DType::F8E4M3, 2, 40, 24, {"w.{expert}", "", 40, 24, 0, 0, 40, false}), 128, 128);
  Plan plan = planOf({weight}, 16);
  for (size_t variant : {0, 1}) {
    Tensors tensors = randomTensors(plan);
    tensors["w.1"].bytes[500] = std::byte(0xFF);
    TemporaryDirectory directory;
    checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
    auto store = ParameterStore::load(plan, variant, checkpoint);
    ASSERT_FALSE(store.ok());
    EXPECT_NE(store.failure().what.find("'w.1' holds NaN"), std::string::npos)
        << store.failure().what;

    tensors = randomTensors(plan);
    float bad = -1;
    std::memcpy(tensors["w.0_scale_inv"].bytes.data(), &bad, sizeof bad);
    TemporaryDirectory other;
    checkpoint = writeCheckpoint(other, tensors);
    store = ParameterStore::load(plan, variant, checkpoint);
    ASSERT_FALSE(store.ok());
    EXPECT_NE(store.failure().what.find("'w.0_scale_inv' holds the scale -1"), std::string::npos)
        << store.failure().what;
  }
}

// A bias that is no number changes which experts are chosen, and no logit shows it.
TEST(Params, SmallWeightsMustBeFinite) {
  Parameter bias = parameterOf(DType::F32, 1, 1, 30, {"bias", "", 30, 0, 0, 0, 1, false});
  Parameter gate = parameterOf(DType::BF16, 1, 30, 40, {"gate", "", 30, 40, 0, 0, 30, false});
  Parameter norm = parameterOf(DType::F16, 1, 1, 40, {"norm", "", 40, 0, 0, 0, 1, false});
  bias.name = "bias", gate.name = "gate", norm.name = "norm";
  Plan plan = planOf({bias, gate, norm}, 16);
  auto refusal = [&](const std::string &key, size_t at, uint32_t bits, size_t variant) {
    Tensors tensors = randomTensors(plan);
    size_t size = byteSize(tensors[key].type);
    std::memcpy(tensors[key].bytes.data() + at * size, &bits, size);
    TemporaryDirectory directory;
    checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
    auto store = ParameterStore::load(plan, variant, checkpoint);
    EXPECT_TRUE(store.ok() || !store.failure().where.empty());
    return store.ok() ? "" : store.failure().what;
  };
  for (size_t variant : {0, 1, 2}) {
    EXPECT_EQ(refusal("bias", 29, 0x7FC00000, variant), "the tensor 'bias' holds NaN at [29]");
    EXPECT_EQ(refusal("bias", 0, 0xFF800000, variant), "the tensor 'bias' holds infinity at [0]");
    EXPECT_EQ(refusal("gate", 40 * 7 + 3, 0xFFC0, variant),
              "the tensor 'gate' holds NaN at [7, 3]");
    EXPECT_EQ(refusal("norm", 39, 0x7C00, variant), "the tensor 'norm' holds infinity at [39]");
    EXPECT_EQ(refusal("bias", 29, 0x7F7FFFFF, variant), "");
  }
}

// To look at them would take time, and what is wrong with them shows in the logits.
TEST(Params, LargeWeightsAreNotLookedAt) {
  constexpr int64_t rows = 1025, columns = 4096; // a row more than is looked at
  Plan plan = planOf(
      {parameterOf(DType::BF16, 1, rows, columns, {"w", "", rows, columns, 0, 0, rows, false})},
      16);
  Tensors tensors = randomTensors(plan);
  constexpr uint16_t notANumber = 0x7FC0;
  std::memcpy(tensors["w"].bytes.data(), &notANumber, sizeof notANumber);
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
  EXPECT_TRUE(ParameterStore::load(plan, 0, checkpoint).ok());
}

TEST(Params, LoadingCanBeInterruptedAndReportsProgress) {
  Parameter weight = parameterOf(DType::F32, 1, 64, 64, {"w", "", 64, 64, 0, 0, 64, false});
  Plan plan = planOf({weight}, 16);
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, randomTensors(plan));
  std::atomic<bool> cancel = true;
  auto store = ParameterStore::load(plan, 0, checkpoint, {1, {}, &cancel});
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.failure().what, "interrupted");
  uint64_t last = 0;
  auto progress = [&](uint64_t done, uint64_t total) {
    EXPECT_EQ(total, 64U * 64 * 4);
    last = done;
  };
  ASSERT_TRUE(ParameterStore::load(plan, 0, checkpoint, {2, progress, nullptr}).ok());
  EXPECT_EQ(last, 64U * 64 * 4);
}

TEST(Params, DummyWeightsDependOnTheSeedAlone) {
  Parameter plain = parameterOf(DType::BF16, 5, 6, 256, {"kv_b", "", 65, 256, 13, 7, 6, false});
  Parameter turned = parameterOf(DType::BF16, 5, 256, 6, {"kv_b", "", 65, 256, 13, 7, 256, true});
  Parameter norm = parameterOf(DType::F32, 1, 1, 64, {"norm", "", 64, 0, 0, 0, 1, false});
  Parameter codes = scaled(
      parameterOf(DType::F8E4M3, 1, 64, 256, {"codes", "", 64, 256, 0, 0, 64, false}), 64, 128);
  plain.name = "plain", turned.name = "turned", norm.name = "norm", codes.name = "codes";
  Plan plan = planOf({plain, turned, norm, codes}, 16);
  auto rows = ParameterStore::dummy(plan, 0, 1, {1, {}, nullptr});
  auto panels = ParameterStore::dummy(plan, 1, 1, {3, {}, nullptr});
  auto other = ParameterStore::dummy(plan, 0, 2);
  ASSERT_TRUE(rows.ok() && panels.ok() && other.ok());
  PackedShape shape(plain, {LayoutKind::Panels, 16});
  auto bits = [](const std::byte *at, int64_t index) {
    uint16_t value = 0;
    std::memcpy(&value, at + index * 2, 2);
    return value;
  };
  double sum = 0, squares = 0;
  int64_t changed = 0, count = 5 * 6 * 256;
  for (int64_t g = 0; g < 5; ++g) {
    for (int64_t r = 0; r < 6; ++r) {
      for (int64_t c = 0; c < 256; ++c) {
        uint16_t value = bits(rows->data(0, -1), (g * 6 + r) * 256 + c);
        EXPECT_EQ(value, bits(panels->data(0, -1), shape.dataIndex(g, r, c)));
        EXPECT_EQ(value, bits(rows->data(1, -1), (g * 256 + c) * 6 + r));
        changed += value != bits(other->data(0, -1), (g * 6 + r) * 256 + c);
        auto weight = double(std::bit_cast<float>(uint32_t(value) << 16));
        sum += weight, squares += weight * weight;
      }
    }
  }
  EXPECT_GT(changed, count / 2);
  EXPECT_LT(std::abs(sum / double(count)), 0.01);
  EXPECT_NEAR(std::sqrt(squares / double(count)), 1.0 / 16, 1.0 / 32);
  for (int64_t i = 0; i < 64; ++i) {
    float value = reinterpret_cast<const float *>(rows->data(2, -1))[i];
    EXPECT_TRUE(value >= 1 && value < 1.125F) << value;
  }
  EXPECT_GT(reinterpret_cast<const float *>(rows->scales(3, -1))[1], 0);
}

TEST(Params, AThreadThatRunsOutOfMemoryIsAFailure) {
  Plan plan = planOf({parameterOf(DType::F32, 1, 8, 8, {"w", "", 8, 8, 0, 0, 8, false})}, 16);
  const Parameter &weight = plan.parameters[0];
  Packer packer(weight, weight.layouts[0]);
  ParameterReader reader(plan, weight, -1,
                         [](const TensorRequest &request) { return dummyTensor(request, 0); });
  std::vector<std::byte> data(packer.dataBytes());
  std::vector<PackItem> items;
  items.push_back({&packer, std::move(reader), data, {}});
  Status packed =
      packItems(items, {2, {}, nullptr}, [](const PackItem &) { throw std::bad_alloc(); });
  ASSERT_FALSE(packed.ok());
  EXPECT_NE(packed.failure().what.find("cannot be loaded: std::bad_alloc"), std::string::npos)
      << packed.failure().what;
}
