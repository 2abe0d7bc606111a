//===- StepProfileTest.cpp - sums of kernels, limits of devices -----------===//
#include "runtime/bench/StepProfile.h"
#include "runtime/bench/DeviceProbe.h"
#include "runtime/bench/StepBench.h"
#include "runtime/drivers/cpu/CpuDevice.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;

static LaunchPrediction prediction(std::string_view limit, double bytes, int64_t observed) {
  LaunchPrediction made;
  made.limit = limit;
  made.memoryBytes = bytes;
  made.blocks = 10;
  made.observedBlocks = observed;
  return made;
}

TEST(StepProfile, LaunchesAreSummedByKernelSlowestFirst) {
  plan::Plan plan;
  plan.kernels = {
      {"unused", "rowwise", {}, {}}, {"fast", "gemm", {}, {}}, {"slow", "gemm", {}, {}}};
  StepProfile profile;
  plan::Cost cost{.weightBytes = 100, .cacheBytes = 10, .weightFlops = 1000};
  profile.launches = {
      {1, -1, 1, 0.5, cost}, {2, 4, 2, 1, cost}, {2, 3, 3, 1, cost}, {2, 9, 1, 1, cost}};
  profile.predictedFor = "h100";
  // Of the slow kernel's six seconds four are latency.
  profile.predictions = {prediction("memory", 1, 10), prediction("memory", 2, 10),
                         prediction("latency", 4, 5), prediction("latency", 8, 10)};
  EXPECT_EQ(profile.seconds(), 7);
  std::vector<KernelResult> kernels = byKernel(plan, profile);
  ASSERT_EQ(kernels.size(), 2U);
  EXPECT_EQ(kernels[1].symbol, "fast");
  EXPECT_EQ(kernels[1].lastLayer, -1);
  const KernelResult &slow = kernels[0];
  EXPECT_EQ(slow.symbol, "slow");
  EXPECT_EQ(slow.launches, 3);
  EXPECT_EQ(slow.firstLayer, 3);
  EXPECT_EQ(slow.lastLayer, 9);
  EXPECT_EQ(slow.seconds, 6);
  EXPECT_EQ(slow.againSeconds, 3);
  EXPECT_EQ(slow.cost.bytes(), 330);
  EXPECT_EQ(slow.prediction.limit, "latency");
  EXPECT_EQ(slow.prediction.memoryBytes, 14);
  EXPECT_EQ(slow.prediction.blocks, 30);
  EXPECT_EQ(slow.prediction.observedBlocks, 25);
}

// The way a GPU is measured, on a device that is here.
TEST(DeviceProbe, MeasuresACopyOfTheDevice) {
  auto device = createCpuDevice({.threads = 1});
  ASSERT_TRUE(device);
  auto probe = DeviceProbe::create(**device, int64_t(1) << 22, 5e12);
  ASSERT_TRUE(probe) << probe.failure().message();
  EXPECT_EQ((*probe)->peak(), 5e12);
  std::vector<double> rates = (*probe)->readRates();
  ASSERT_EQ(rates.size(), 1U);
  EXPECT_GT(rates[0], 1e7);
  EXPECT_LT(rates[0], 1e13);
}

TEST(DeviceProbe, WhatDoesNotFitIsAFailure) {
  auto device = createCpuDevice({.threads = 1});
  ASSERT_TRUE(device);
  EXPECT_FALSE(DeviceProbe::create(**device, int64_t(1) << 60, 1));
}

TEST(Spread, MedianOfOddAndEvenCounts) {
  EXPECT_EQ(Spread::of({3, 1, 2}).median, 2);
  EXPECT_EQ(Spread::of({4, 1, 2, 3}).median, 2.5);
  EXPECT_EQ(Spread::of({4, 1}).least, 1);
  EXPECT_EQ(Spread::of({4, 1}).most, 4);
  EXPECT_EQ(Spread::of({}).median, 0);
}
