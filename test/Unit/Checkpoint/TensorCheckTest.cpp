//===- TensorCheckTest.cpp - tensors against a configuration --------------===//

#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Checkpoint/TensorPatterns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

using namespace dsv3;
using namespace dsv3::checkpoint;

namespace {

/// Tensors as a checkpoint of models/nano's configuration has them, to be damaged.
struct TensorCheckTest : testing::Test {
  ModelConfig config;
  std::vector<TensorInfo> tensors;

  TensorCheckTest() {
    std::ifstream file(std::string(DSV3_SOURCE_DIR) + "/models/nano/config.json");
    std::string text(std::istreambuf_iterator<char>(file), {});
    config = *parseModelConfig(text, "config.json");
    for (const ExpectedTensor &expected : expectedTensors(config)) {
      if (!expected.isOptional()) {
        add(expected.key, expected.shape);
      }
    }
  }
  void add(const std::string &name, std::vector<int64_t> shape, DType type = DType::BF16) {
    TensorInfo info;
    info.name = name, info.shape = std::move(shape);
    setType(info, type);
    info.byteCount = 1; // not empty
    tensors.push_back(std::move(info));
  }
  static void setType(TensorInfo &info, DType type) {
    info.dtype = type;
    info.dtypeName = safetensorsName(type);
  }
  TensorInfo &of(const std::string &name) {
    return *std::ranges::find(tensors, name, &TensorInfo::name);
  }
  Expected<TensorCheck> check() {
    std::ranges::sort(tensors, {}, &TensorInfo::name);
    return checkTensors(config, tensors, "DIR");
  }
  void expectRefused(const std::string &line) {
    auto result = check();
    ASSERT_FALSE(result.ok()) << line;
    EXPECT_NE(result.failure().message().find("\n  - " + line), std::string::npos)
        << result.failure().message();
  }
};

} // namespace

TEST_F(TensorCheckTest, AWholeCheckpointIsSound) {
  auto result = check();
  ASSERT_TRUE(result.ok()) << result.failure().message();
  EXPECT_EQ(result->hasMtp, config.numNextnPredictLayers > 0);
  EXPECT_FALSE(result->hasFp8);
}

TEST_F(TensorCheckTest, LikeDefectsShareALine) {
  ASSERT_GT(config.nRoutedExperts, 2);
  int64_t first = config.firstKDenseReplace;
  std::string layer = "model.layers." + std::to_string(first);
  std::erase_if(tensors, [&](const TensorInfo &info) {
    return info.name.starts_with(layer + ".mlp.experts.") && info.name.ends_with(".up_proj.weight");
  });
  int64_t last = config.nRoutedExperts - 1;
  expectRefused("'" + layer + ".mlp.experts.{0.." + std::to_string(last) +
                "}.up_proj.weight' is missing (" + std::to_string(last + 1) + " tensors)");
}

TEST_F(TensorCheckTest, ShapesTypesAndStrangersAreNamed) {
  of("model.norm.weight").shape = {7};
  setType(of("model.embed_tokens.weight"), DType::F8E4M3);
  add("model.layers.0.mlp.extra", {1});
  expectRefused("'model.norm.weight' has shape [7], expected [" +
                std::to_string(config.hiddenSize) + "]");
  expectRefused("'model.embed_tokens.weight' is stored as 'F8_E4M3', expected BF16, F16 or F32");
  expectRefused("'model.layers.0.mlp.extra' belongs to no part");
}

TEST_F(TensorCheckTest, Fp8WeightsAndScalesComeInPairs) {
  config.quantization = Quantization{};
  std::string key = "model.layers.0.self_attn.o_proj.weight";
  std::vector<int64_t> scales = scaleShape(of(key).shape, {128, 128});
  setType(of(key), DType::F8E4M3);
  expectRefused("'" + key + "_scale_inv' is missing");
  add(key + "_scale_inv", {scales[0] + 1, scales[1]}, DType::F32);
  expectRefused("'" + key + "_scale_inv' has shape");
  of(key + "_scale_inv").shape = scales;
  setType(of(key + "_scale_inv"), DType::F16);
  expectRefused("'" + key + "_scale_inv' is stored as F16, expected F32 or BF16");
  setType(of(key + "_scale_inv"), DType::BF16);
  EXPECT_TRUE(check().ok());
  setType(of(key + "_scale_inv"), DType::F32);
  auto result = check();
  ASSERT_TRUE(result.ok()) << result.failure().message();
  EXPECT_TRUE(result->hasFp8);
  setType(of(key), DType::BF16);
  expectRefused("'" + key + "_scale_inv' is there, but");
}

TEST_F(TensorCheckTest, AnMtpLayerIsWholeOrAbsent) {
  ASSERT_EQ(config.numNextnPredictLayers, 1);
  std::string mtp = "model.layers." + std::to_string(config.numHiddenLayers) + ".";
  TensorInfo &join = of(mtp + "eh_proj.weight");
  std::string key = join.name;
  std::erase_if(tensors, [&](const TensorInfo &info) { return info.name == key; });
  expectRefused("'" + key + "' is missing");
  std::erase_if(tensors, [&](const TensorInfo &info) { return info.name.starts_with(mtp); });
  auto result = check();
  ASSERT_TRUE(result.ok()) << result.failure().message();
  EXPECT_FALSE(result->hasMtp);
  EXPECT_EQ(result->notes.size(), 1U);
}

TEST(TensorPatterns, LinesCoverExactlyWhatWasAdded) {
  TensorPatterns patterns;
  for (int layer : {3, 4, 5, 9}) {
    for (int expert : {0, 1, 2}) {
      patterns.add("l.layers." + std::to_string(layer) + ".experts." + std::to_string(expert), "x");
    }
  }
  patterns.add("l.layers.6.experts.1", "x");
  patterns.add("l.layers.6.experts.2", "y");
  patterns.add("{layer}", "x"); // a hostile key
  patterns.add("a.layers.007.b", "x");
  EXPECT_EQ(patterns.size(), 16U);
  EXPECT_EQ(patterns.lines(), (std::vector<std::string>{
                                  "'l.layers.{3..5, 9}.experts.{0..2}' x (12 tensors)",
                                  "'l.layers.6.experts.1' x",
                                  "'l.layers.6.experts.2' y",
                                  "'{layer}' x",
                                  "'a.layers.007.b' x",
                              }));
}

TEST(TensorValues, NaNCodesAreSeenAtEveryPlace) {
  std::vector<uint8_t> codes(200);
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = uint8_t(i); // holds 127
  }
  codes[127] = 0x7E;
  EXPECT_FALSE(containsNaNCode(codes));
  for (size_t i = 0; i < codes.size(); ++i) {
    for (uint8_t code : {0x7F, 0xFF}) {
      std::vector<uint8_t> damaged = codes;
      damaged[i] = code;
      EXPECT_TRUE(containsNaNCode(damaged)) << i;
    }
  }
}

TEST(TensorValues, NaNCodesAreSeenInAnotherOrderOfBits) {
  constexpr uint8_t magnitude = 0xF7;
  for (int code = 0; code < 256; ++code) {
    std::vector<uint8_t> codes(70, uint8_t(code));
    EXPECT_EQ(containsNaNCode(codes, magnitude), code == 0xF7 || code == 0xFF) << code;
  }
}

TEST(TensorValues, TheFirstBadScaleIsFound) {
  std::vector<float> scales{0, 1, 0x1p-126F, 3e38F};
  EXPECT_EQ(findBadScale(scales), scales.size());
  for (float bad : {-1.0F, std::numeric_limits<float>::infinity(), std::nanf("")}) {
    std::vector<float> damaged = scales;
    damaged[2] = bad;
    EXPECT_EQ(findBadScale(damaged), 2U);
  }
}

TEST(TensorValues, TheFirstValueThatIsNotFiniteIsFound) {
  std::vector<uint16_t> values(3000, 0x7B7B); // finite as bf16 and as f16
  auto find = [&](DType type) { return findNotFinite(std::as_bytes(std::span(values)), type); };
  for (size_t at : {size_t(2999), size_t(1024), size_t(0)}) {
    for (auto [type, exponent] : {std::pair(DType::BF16, 0x7F80), std::pair(DType::F16, 0x7C00)}) {
      for (int wrong : {exponent, exponent | 1, exponent | 0x8000}) {
        std::vector<uint16_t> sound = values;
        EXPECT_EQ(find(type), values.size());
        values[at] = uint16_t(wrong), values[2999] = uint16_t(wrong);
        EXPECT_EQ(find(type), at);
        values = sound;
      }
    }
  }
  values[11] = 0xFF80; // the upper half of an f32
  EXPECT_EQ(find(DType::F32), 5U);
  EXPECT_EQ(find(DType::F8E4M3), 6000U);
}

TEST(TensorValues, ScalesOfRaggedEdgesHaveABlock) {
  std::vector<int64_t> shape{129, 256};
  EXPECT_EQ(scaleShape(shape, {128, 128}), (std::vector<int64_t>{2, 2}));
}
