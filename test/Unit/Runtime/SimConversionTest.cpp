//===- SimConversionTest.cpp - numbers of the simulated GPU ---------------===//
//
// Its conversions between types, against others of ours.
//
//===----------------------------------------------------------------------===//
#include "SimRun.h"
#include "dsv3/Support/Float.h"

#include <bit>
#include <cmath>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::inOrder;
using dsv3::test::SimRun;

TEST(SimConversions, AllCodesOfNarrowTypes) {
  SimRun sim(inOrder());
  LOAD(sim, "float *halves, float *eights", 128, R"(
    int64 i = blockIndex() * 128 + threadIndex();
    halves[i] = toFloat(f16{uint16(i)});
    if (i < 256) { eights[i] = toFloat(e4m3{uint8(i)}); }
  )");
  sim.add(std::vector<float>(65536));
  sim.add(std::vector<float>(256));
  LAUNCH(sim, 512, 0);
  std::vector<float> halves = sim.values<float>(0), eights = sim.values<float>(1);
  for (uint32_t i = 0; i < 65536; ++i) {
    float expected = f16ToFloat(uint16_t(i));
    EXPECT_TRUE(std::isnan(expected)
                    ? std::isnan(halves[i])
                    : std::bit_cast<uint32_t>(expected) == std::bit_cast<uint32_t>(halves[i]))
        << i;
  }
  for (uint32_t i = 0; i < 256; ++i) {
    bool nan = (i & 0x7f) == 0x7f;
    EXPECT_TRUE(nan ? std::isnan(eights[i]) : f8e4m3ToFloat(uint8_t(i)) == eights[i]) << i;
  }
}

TEST(SimConversions, RoundToNearestEven) {
  SimRun sim(inOrder());
  LOAD(sim, "const float *x, bf16 *b, f16 *h", 128, R"(
    int64 i = blockIndex() * 128 + threadIndex();
    b[i] = toNarrow<bf16>(x[i]);
    h[i] = toNarrow<f16>(x[i]);
  )");
  // Every f16, what lies between it and the next, and a little to both sides of that.
  std::vector<float> x;
  for (uint32_t i = 0; i < 0x7c00; ++i) {
    float low = f16ToFloat(uint16_t(i));
    float high = i == 0x7bff ? 65536.F : f16ToFloat(uint16_t(i + 1)), middle = (low + high) / 2;
    x.insert(x.end(), {low, std::nextafter(middle, low), -middle, std::nextafter(middle, high)});
  }
  sim.add(x);
  sim.add(std::vector<uint16_t>(x.size()));
  sim.add(std::vector<uint16_t>(x.size()));
  LAUNCH(sim, int64_t(x.size()) / 128, 0);
  std::vector<uint16_t> b = sim.values<uint16_t>(1), h = sim.values<uint16_t>(2);
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(b[i], floatToBf16(x[i])) << x[i];
    EXPECT_EQ(h[i], floatToF16(x[i])) << x[i];
  }
}

TEST(SimConversions, CodesRoundToNearestEven) {
  SimRun sim(inOrder());
  LOAD(sim, "const float *x, e4m3 *codes", 128, R"(
    int64 i = blockIndex() * 128 + threadIndex();
    codes[i] = toNarrow<e4m3>(x[i]);
  )");
  // Every code, what lies between it and the next, and a little to both sides of that.
  std::vector<float> x;
  for (uint32_t i = 0; i < 0x7e; ++i) {
    float low = f8e4m3ToFloat(uint8_t(i));
    float middle = (low + f8e4m3ToFloat(uint8_t(i + 1))) / 2;
    x.insert(x.end(), {low, std::nextafter(middle, low), -middle, std::nextafter(middle, 500.F)});
  }
  x.insert(x.end(), {448.F, -448.F, 460.F, NAN, 1e-30F, -0.F, 0x1p-9F, 417.F});
  sim.add(x);
  sim.add(std::vector<uint8_t>(x.size()));
  LAUNCH(sim, int64_t(x.size()) / 128, 0);
  std::vector<uint8_t> codes = sim.values<uint8_t>(1);
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(codes[i], floatToF8E4M3(x[i])) << x[i];
  }
  // Beyond what the published casts round to 448 the instruction saturates.
  LOAD(sim, "const float *x, e4m3 *codes", 32, "codes[threadIndex()] = toNarrow<e4m3>(-1e9f);\n");
  LAUNCH(sim, 1, 0);
  EXPECT_EQ(sim.values<uint8_t>(1)[0], 0xfe);
}
