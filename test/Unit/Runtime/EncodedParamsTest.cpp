//===- EncodedParamsTest.cpp - weights that are encoded when packed -------===//
//
// Every place of a packed parameter against the encoding of the tensor that it comes from.
//
//===----------------------------------------------------------------------===//
#include "SmallCheckpoint.h"

#include "dsv3/Plan/Layout.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/Float.h"
#include "dsv3/Support/RandomNumbers.h"
#include "runtime/params/ParameterStore.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

using namespace dsv3;
using namespace dsv3::plan;
using namespace dsv3::runtime;
using namespace dsv3::test;

static Parameter parameterOf(DType stored, DType type, int64_t groups, int64_t rows,
                             int64_t columns, std::vector<Segment> segments) {
  Parameter parameter;
  parameter.name = "weight", parameter.type = type, parameter.stored = stored;
  parameter.groups = groups, parameter.rows = rows, parameter.columns = columns;
  for (Segment &segment : segments) {
    segment.scaleKey = stored == DType::F8E4M3 ? segment.key + "_scale_inv" : "";
  }
  parameter.segments = std::move(segments);
  if (scaleForm(type)) {
    parameter.scaleRows = encodingBlock(type)[0], parameter.scaleColumns = encodingBlock(type)[1];
  }
  return parameter;
}

static float decoded(DType type, uint32_t bits) {
  switch (type) {
  case DType::BF16:
    return bf16ToFloat(uint16_t(bits));
  case DType::F16:
    return f16ToFloat(uint16_t(bits));
  case DType::F8E4M3:
    return f8e4m3ToFloat(uint8_t(bits));
  default:
    return std::bit_cast<float>(bits);
  }
}

/// Tensors of a plan with values that weights could have.
static Tensors weightsOf(const Plan &plan) {
  Tensors tensors = randomTensors(plan);
  RandomNumbers random(3);
  for (auto &[key, tensor] : tensors) {
    size_t size = byteSize(tensor.type);
    if (tensor.type == DType::F8E4M3 || key.ends_with("_scale_inv")) {
      continue;
    }
    for (size_t at = 0; at < tensor.bytes.size(); at += size) {
      auto value = float(random.uniform() - random.uniform());
      auto bits = tensor.type == DType::BF16  ? uint32_t(floatToBf16(value))
                  : tensor.type == DType::F16 ? uint32_t(floatToF16(value))
                                              : std::bit_cast<uint32_t>(value);
      std::memcpy(tensor.bytes.data() + at, &bits, size);
    }
  }
  return tensors;
}

namespace {

/// The formula of one parameter, element by element.
struct Formula {
  const Plan &plan;
  const Tensors &tensors;
  const Parameter &parameter;
  PackedShape shape;
  std::vector<std::byte> data, scales;
  std::map<std::pair<int64_t, int64_t>, float> largestOfBlocks;

  Formula(const Plan &plan, const Tensors &tensors, const Parameter &parameter, size_t variant)
      : plan(plan), tensors(tensors), parameter(parameter),
        shape(parameter, parameter.layouts[variant]), data(size_t(shape.dataBytes())),
        scales(size_t(shape.scaleBytes())) {
    bool panels = parameter.layouts[variant].kind == LayoutKind::Panels;
    for (int64_t g = 0; g < parameter.groups; ++g) {
      for (int64_t r = 0; r < parameter.rows; ++r) {
        isScaledAlongRows(parameter.type) ? putRow(g, r) : putElements(g, r, panels);
      }
    }
  }

  float value(int64_t g, int64_t r, int64_t c) const {
    float code = decoded(parameter.storedType(), weightBits(tensors, parameter, -1, g, r, c));
    return parameter.storedType() == DType::F8E4M3
               ? code * weightScale(plan, tensors, parameter, -1, g, r, c)
               : code;
  }

  void putRow(int64_t g, int64_t r) {
    auto columns = size_t(parameter.columns);
    auto numbers = size_t(scaleForm(parameter.type)->numbers);
    std::vector<float> values(columns), rowScales(size_t(ceilDiv(parameter.columns, 32)) * numbers);
    std::vector<uint8_t> codes(columns);
    for (size_t c = 0; c < columns; ++c) {
      values[c] = value(g, r, int64_t(c));
    }
    ASSERT_TRUE(encodeRow(parameter.type, values, codes, rowScales));
    for (size_t c = 0; c < columns; ++c) {
      auto index = size_t(shape.dataIndex(g, r, int64_t(c)));
      if (parameter.type == DType::I4) {
        data[index / 2] |= std::byte(codes[c] << (index % 2 * 4));
      } else {
        data[index] = std::byte(codes[c]);
      }
      for (size_t n = 0; n < numbers; ++n) {
        uint16_t half = floatToF16(rowScales[c / 32 * numbers + n]);
        auto at = size_t(shape.scaleIndex(g, r, int64_t(c), int64_t(n)));
        std::memcpy(scales.data() + at * 2, &half, 2);
      }
    }
  }

  /// The largest magnitude of the encoded block that an element of a tensor of one segment,
  /// which is not transposed and has no groups, is in.
  float largestAround(int64_t r, int64_t c) {
    int64_t begin = 0, end = 0;
    for (const Segment &segment : parameter.segments) {
      begin = end, end += segment.rows;
      if (r < end) {
        break;
      }
    }
    int64_t first = begin + (r - begin) / 128 * 128, column = c / 128 * 128;
    auto [known, isNew] = largestOfBlocks.try_emplace({first, column}, 0.0F);
    float &largest = known->second;
    for (int64_t i = first; isNew && i < std::min(end, first + 128); ++i) {
      for (int64_t j = column; j < std::min(parameter.columns, column + 128); ++j) {
        largest = std::max(largest, std::fabs(value(0, i, j)));
      }
    }
    return largest;
  }

  void putElements(int64_t g, int64_t r, bool panels) {
    for (int64_t c = 0; c < parameter.columns; ++c) {
      auto index = size_t(shape.dataIndex(g, r, c));
      if (parameter.type == DType::BF16) {
        uint16_t bits = floatToBf16(value(g, r, c));
        std::memcpy(data.data() + index * 2, &bits, 2);
        continue;
      }
      float scale = f8Scale(largestAround(r, c));
      uint8_t code = f8Code(value(g, r, c), scale);
      data[index] = std::byte(panels ? panelCode(code) : code);
      std::memcpy(scales.data() + size_t(shape.scaleIndex(g, r, c)) * 4, &scale, 4);
    }
  }
};

} // namespace

static void expectEncoded(const Plan &plan) {
  Status valid = validate(plan);
  ASSERT_TRUE(valid.ok()) << valid.failure().message();
  Tensors tensors = weightsOf(plan);
  TemporaryDirectory directory;
  checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
  for (size_t variant = 0; variant < plan.variants.size(); ++variant) {
    auto store = ParameterStore::load(plan, variant, checkpoint, {2, {}, nullptr});
    ASSERT_TRUE(store.ok()) << store.failure().message();
    for (size_t i = 0; i < plan.parameters.size(); ++i) {
      Formula expected(plan, tensors, plan.parameters[i], variant);
      std::string what = plan.parameters[i].name + " as " +
                         std::string(name(plan.parameters[i].type)) + ", variant " +
                         std::to_string(variant);
      EXPECT_EQ(std::memcmp(store->data(i, -1), expected.data.data(), expected.data.size()), 0)
          << what;
      if (!expected.scales.empty()) {
        EXPECT_EQ(std::memcmp(store->scales(i, -1), expected.scales.data(), expected.scales.size()),
                  0)
            << "scales of " << what;
      }
    }
  }
}

TEST(EncodedParams, EveryStoredTypeInEveryEncoding) {
  for (DType stored : {DType::F32, DType::F16, DType::BF16, DType::F8E4M3}) {
    for (DType type : {DType::BF16, DType::F8E4M3, DType::I8, DType::I4}) {
      for (auto [rows, columns] : {std::pair(1, 1), std::pair(33, 71), std::pair(150, 161)}) {
        if (stored != type) {
          expectEncoded(planOf({parameterOf(stored, type, 1, rows, columns,
                                            {{"w", "", rows, columns, 0, 0, rows, false}})},
                               32));
        }
      }
    }
  }
}

TEST(EncodedParams, SegmentsPartsAndGroups) {
  for (DType type : {DType::I8, DType::I4}) {
    Parameter joined = parameterOf(
        DType::BF16, type, 1, 60, 140,
        {{"q_a", "", 40, 140, 0, 0, 40, false}, {"kv_a", "", 20, 140, 0, 0, 20, false}});
    Parameter experts = parameterOf(DType::BF16, type, 3, 42, 33,
                                    {{"{expert}.gate", "", 21, 33, 0, 0, 21, false},
                                     {"{expert}.up", "", 21, 33, 0, 0, 21, false}});
    Parameter heads =
        parameterOf(DType::F32, type, 5, 6, 64, {{"kv_b", "", 65, 64, 13, 7, 6, false}});
    experts.parts = 2;
    joined.name = "joined", experts.name = "experts", heads.name = "heads";
    expectEncoded(planOf({joined, experts, heads}, 16));
  }
}

// Blocks are those of the tensors: the second begins in the middle of one of the parameter.
TEST(EncodedParams, BlocksOfFp8EndWithTheirTensor) {
  Parameter joined =
      parameterOf(DType::BF16, DType::F8E4M3, 1, 220, 140,
                  {{"a", "", 150, 140, 0, 0, 150, false}, {"b", "", 70, 140, 0, 0, 70, false}});
  joined.scaleRows = 2;
  expectEncoded(planOf({joined}, 16));
}

TEST(EncodedParams, ValuesThatCannotBeKeptAreRefusedByName) {
  for (DType type : {DType::F8E4M3, DType::I8, DType::I4}) {
    Plan plan = planOf(
        {parameterOf(DType::BF16, type, 2, 40, 70, {{"w.{expert}", "", 40, 70, 0, 0, 40, false}})},
        16);
    constexpr uint16_t infinity = 0x7F80, notANumber = 0x7FC0, large = 0x7F7F;
    for (uint16_t wrong : {infinity, notANumber, large}) {
      if (wrong == large && type == DType::F8E4M3) {
        continue; // its scales are f32
      }
      Tensors tensors = weightsOf(plan);
      auto &bytes = tensors["w.1"].bytes;
      if (wrong == notANumber) {
        std::fill(bytes.begin(), bytes.end(), std::byte(0)); // nothing else to be the largest
      }
      std::memcpy(bytes.data() + 2 * (70 * 7 + 69), &wrong, 2);
      TemporaryDirectory directory;
      checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
      for (size_t variant : {0, 1}) {
        auto store = ParameterStore::load(plan, variant, checkpoint);
        ASSERT_FALSE(store.ok()) << name(type);
        EXPECT_EQ(store.failure().what,
                  wrong == large
                      ? "the tensor 'w.1' holds values in row 7 that " + std::string(name(type)) +
                            " cannot keep: too large, or no numbers"
                      : "the tensor 'w.1' holds " +
                            std::string(wrong == infinity ? "infinity" : "NaN") + " at [7, 69]");
      }
    }
  }
}

// Values are looked at as the file has them, before they are rounded to something else.
TEST(EncodedParams, DamageIsRefusedWhateverTheEncoding) {
  for (DType type : {DType::BF16, DType::I8, DType::I4}) {
    Parameter straight =
        parameterOf(DType::F8E4M3, type, 2, 40, 70, {{"w.{expert}", "", 40, 70, 0, 0, 40, false}});
    Parameter turned =
        parameterOf(DType::F8E4M3, type, 2, 70, 40, {{"w.{expert}", "", 40, 70, 0, 0, 70, true}});
    for (const Parameter &parameter : {straight, turned}) {
      if (isScaledAlongRows(type) && parameter.segments[0].transposed) {
        continue; // no rows of the tensor
      }
      Plan plan = planOf({parameter}, 16, {32, 32});
      auto refusal = [&](const auto &damage, size_t variant) {
        Tensors tensors = weightsOf(plan);
        damage(tensors);
        TemporaryDirectory directory;
        checkpoint::Checkpoint checkpoint = writeCheckpoint(directory, tensors);
        auto store = ParameterStore::load(plan, variant, checkpoint);
        return store.ok() ? "" : store.failure().what;
      };
      for (size_t variant : {0, 1, 2}) {
        for (int code : {0x7F, 0xFF}) {
          EXPECT_EQ(
              refusal([&](Tensors &t) { t["w.1"].bytes[70 * 39 + 69] = std::byte(code); }, variant),
              "the tensor 'w.1' holds NaN (code 0x7F or 0xFF)")
              << name(type);
        }
        for (float scale : {-1.0F, NAN, INFINITY}) {
          auto last = [&](Tensors &t) {
            auto &bytes = t["w.1_scale_inv"].bytes;
            std::memcpy(bytes.data() + bytes.size() - sizeof scale, &scale, sizeof scale);
          };
          EXPECT_EQ(refusal(last, variant), "the tensor 'w.1_scale_inv' holds the scale " +
                                                std::to_string(scale) + " for block [1, 2]")
              << name(type);
        }
        EXPECT_EQ(refusal([](Tensors &) {}, variant), "") << name(type);
      }
    }
  }
}

TEST(EncodedParams, MadeUpWeightsAreEncodedToo) {
  for (DType type : {DType::F8E4M3, DType::I8, DType::I4}) {
    Plan plan = planOf(
        {parameterOf(DType::BF16, type, 1, 70, 256, {{"w", "", 70, 256, 0, 0, 70, false}})}, 16);
    auto one = ParameterStore::dummy(plan, 1, 1, {1, {}, nullptr});
    auto same = ParameterStore::dummy(plan, 1, 1, {3, {}, nullptr});
    auto other = ParameterStore::dummy(plan, 1, 2);
    ASSERT_TRUE(one.ok() && same.ok() && other.ok());
    EXPECT_TRUE(std::ranges::equal(one->bytes(), same->bytes()));
    EXPECT_FALSE(std::ranges::equal(one->bytes(), other->bytes()));
  }
}

TEST(EncodedParams, PlansThatCannotBePackedAreInvalid) {
  auto expectInvalid = [](Parameter parameter, const std::string &what) {
    Status valid = validate(planOf({std::move(parameter)}, 16));
    ASSERT_FALSE(valid.ok()) << what;
    EXPECT_NE(valid.failure().what.find(what), std::string::npos) << valid.failure().what;
  };
  Parameter sound =
      parameterOf(DType::BF16, DType::I8, 1, 40, 64, {{"w", "", 40, 64, 0, 0, 40, false}});
  ASSERT_TRUE(validate(planOf({sound}, 16)).ok());
  Parameter wrong = sound;
  wrong.stored.reset();
  expectInvalid(wrong, "tensors of i8 cannot be encoded as i8");
  wrong = sound;
  wrong.stored = DType::I32;
  expectInvalid(wrong, "tensors of i32 cannot be encoded as i8");
  wrong = sound;
  wrong.scaleColumns = 64;
  expectInvalid(wrong, "with scales for 1 x 32 values");
  wrong = sound;
  wrong.scaleRows = wrong.scaleColumns = 0;
  expectInvalid(wrong, "expected scales of encoded weights that are codes");
  wrong = sound;
  wrong.rows = 64, wrong.columns = 40, wrong.segments[0].rows = 64;
  wrong.segments[0].transposed = true;
  expectInvalid(wrong, "of segments that are not transposed");
}
