//===- MemoryLimitsTest.cpp - how much memory there is --------------------===//

#include "dsv3/Support/MemoryLimits.h"

#include <fstream>
#include <gtest/gtest.h>
#include <string>

using namespace dsv3;

/// A value of /proc/meminfo in bytes.
static uint64_t stated(const std::string &wanted) {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  for (uint64_t value = 0; file >> name >> value && std::getline(file, unit);) {
    if (name == wanted) {
      return value * 1024;
    }
  }
  return 0;
}

TEST(MemoryLimits, AvailableIsWithinWhatThereIs) {
  auto available = availableMemory();
  ASSERT_TRUE(available.has_value());
  EXPECT_GT(*available, 0U);
  // Not the size of the machine: what others hold is not available.
  EXPECT_LT(*available, stated("MemTotal:") + stated("SwapTotal:"));
}
