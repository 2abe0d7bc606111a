//===- ChipTest.cpp - chips, and what their multiprocessors hold ----------===//
#include "dsv3/Plan/Chip.h"
#include "dsv3/Plan/Occupancy.h"

#include <gtest/gtest.h>

using namespace dsv3::plan;

// The figures that NVIDIA prints, in TFLOPS and TB/s: clock and rates fit together.
TEST(Chips, PeaksAreThoseOfTheDataSheets) {
  struct Known {
    const char *name;
    double bf16, fp8, f32, memory;
  };
  for (const Known &known : {Known{"a100", 312, 0, 19.5, 2.039}, Known{"h100", 989, 1979, 62, 3.35},
                             Known{"h200", 989, 1979, 62, 4.8}, Known{"b200", 2250, 4500, 70, 8}}) {
    const Chip *chip = findChip(known.name);
    ASSERT_TRUE(chip) << known.name;
    EXPECT_NEAR(chip->bf16Peak() / 1e12, known.bf16, known.bf16 * 0.005) << known.name;
    EXPECT_NEAR(chip->fp8Peak() / 1e12, known.fp8, known.fp8 * 0.005) << known.name;
    EXPECT_NEAR(chip->fmaPeak() / 1e12, known.f32, known.f32 * 0.01) << known.name;
    EXPECT_DOUBLE_EQ(chip->memoryBandwidth / 1e12, known.memory) << known.name;
  }
}

TEST(Chips, AreFoundByTheirNames) {
  EXPECT_EQ(chipNames(), "a100, h100, h200, b200");
  EXPECT_EQ(findChip("v100"), nullptr);
  EXPECT_EQ(chipOfDriver("NVIDIA H100 80GB HBM3"), findChip("h100"));
  EXPECT_EQ(chipOfDriver("NVIDIA GeForce RTX 4090"), nullptr);
}

// Text with instructions of one GPU runs there alone; other text is compiled anew for newer ones.
TEST(Chips, RunTextsOfOlderGpus) {
  const GpuVariant &a100 = *findGpuVariant("sm_80"), &h100 = *findGpuVariant("sm_90a");
  EXPECT_TRUE(runsOn(a100, 86));
  EXPECT_FALSE(runsOn(a100, 90));
  EXPECT_TRUE(canRun(a100, 90));
  EXPECT_TRUE(canRun(h100, 90));
  EXPECT_FALSE(canRun(h100, 100));
  EXPECT_EQ(architectureFor("sm_80", 90), "sm_90");
  EXPECT_EQ(architectureFor("sm_90a", 90), "sm_90a");
}

TEST(Chips, TheFirstForAVariantRunsItsCode) {
  auto chip = [](const char *variant) { return chipFor(*findGpuVariant(variant)); };
  EXPECT_EQ(chip("sm_80"), findChip("a100"));
  EXPECT_EQ(chip("sm_90a"), findChip("h100"));
  EXPECT_EQ(chip("sm_100a"), findChip("b200"));
  EXPECT_EQ(chip("sm_120a"), nullptr);
}

namespace {
struct Case {
  const char *chip;
  BlockNeeds block;
  int64_t blocks;
  OccupancyLimit limit;
};
} // namespace

// By hand, by the rules of NVIDIA's calculator.
TEST(Occupancy, IsWhatAMultiprocessorRunsOutOfFirst) {
  using enum OccupancyLimit;
  constexpr int64_t kib = 1024;
  for (const Case &known : {
           Case{"h100", {32, 0, 16}, 32, Blocks},
           Case{"h100", {256, 0, 32}, 8, Threads},
           Case{"h100", {33, 0, 0}, 32, Blocks},              // two warps; not known: not counted
           Case{"h100", {96, 0, 0}, 21, Threads},             // 63 warps of 64
           Case{"h100", {128, 56 * kib, 0}, 4, SharedMemory}, // 57 KiB each of 228
           Case{"h100", {128, 56 * kib + 1, 0}, 3, SharedMemory},
           Case{"a100", {128, 163 * kib, 0}, 1, SharedMemory},
           Case{"a100", {128, 163 * kib + 1, 0}, 0, SharedMemory},
           Case{"h100", {128, 0, 128}, 4, Registers}, // 16 warps of 4096 registers
           Case{"h100", {128, 0, 129}, 3, Registers}, // 4352 each: 3 a partition, 12 in all
           Case{"h100", {96, 0, 129}, 4, Registers},  // 12 / 3
           Case{"h100", {384, 0, 168}, 1, Registers}, // 12 warps of 5376: 3 a partition
           Case{"h100", {1024, 0, 64}, 1, Registers}, // 32 warps of 2048
           Case{"h100", {1024, 0, 65}, 0, Registers}, // 2304 each: 28 in all
           Case{"h100", {160, 0, 255}, 1, Registers}, // 8160, 2 a partition; 5 need places of 8
           Case{"h100", {288, 0, 255}, 0, Registers}, // 9 need places of 12
       }) {
    Occupancy occupancy = occupancyOf(*findChip(known.chip), known.block);
    std::string what = std::to_string(known.block.threads) + " threads, " +
                       std::to_string(known.block.sharedBytes) + " bytes, " +
                       std::to_string(known.block.registers) + " registers";
    EXPECT_EQ(occupancy.blocks, known.blocks) << what;
    EXPECT_EQ(name(occupancy.limit), name(known.limit)) << what;
  }
}

TEST(Occupancy, SaysWhatEachLimitAloneAllows) {
  Occupancy occupancy = occupancyOf(*findChip("h100"), {384, 100 << 10, 100});
  auto allowed = [&](OccupancyLimit limit) { return occupancy.allowed[size_t(limit)]; };
  EXPECT_EQ(allowed(OccupancyLimit::Threads), 5);
  EXPECT_EQ(allowed(OccupancyLimit::SharedMemory), 2);
  EXPECT_EQ(allowed(OccupancyLimit::Registers), 1); // 3328 registers a warp: 4 a partition
  EXPECT_EQ(allowed(OccupancyLimit::Blocks), 32);
  EXPECT_EQ(occupancy.blocks, 1);
}
