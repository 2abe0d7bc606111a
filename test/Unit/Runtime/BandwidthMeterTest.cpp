//===- BandwidthMeterTest.cpp - what memory gave over some time -----------===//

#include "runtime/bench/BandwidthMeter.h"

#include <gtest/gtest.h>

using namespace dsv3::runtime;

TEST(BandwidthMeter, NothingWithoutALook) {
  EXPECT_EQ(BandwidthMeter().fastestWay(), 0U);
  EXPECT_TRUE(BandwidthMeter().looks(0).empty());
}

// A single fast pass makes no way the best one, and slow looks count by the time that they took.
TEST(BandwidthMeter, TheWayCountsThatIsTheFastestOnAverage) {
  BandwidthMeter meter;
  meter.add({60, 10, 30});
  meter.add({10, 10, 60});
  meter.add({60, 90, 30});
  EXPECT_EQ(meter.fastestWay(), 2U);
  EXPECT_NEAR(meter.average(2), 36, 1e-9);
  EXPECT_EQ(meter.looks(2), (std::vector<double>{30, 60, 30}));
}
