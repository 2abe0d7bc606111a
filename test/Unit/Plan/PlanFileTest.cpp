//===- PlanFileTest.cpp - plans survive the file, damage is seen ----------===//

#include "dsv3/Plan/PlanFile.h"

#include "SmallPlan.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::plan;

TEST(PlanFile, ComesBackAsItWas) {
  Plan plan = test::smallPlan();
  plan.parameters[0].stored = DType::F32;
  std::string bytes = serialise(plan);
  Expected<Plan> back = parse(bytes, "plan.dsv3");
  ASSERT_TRUE(back.ok()) << back.failure().message();
  EXPECT_EQ(*back, plan);
  EXPECT_EQ(serialise(*back), bytes);
}

TEST(PlanFile, EveryFlippedByteIsSeen) {
  std::string bytes = serialise(test::smallPlan());
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int mask : {0x01, 0x80, 0xFF}) {
      std::string damaged = bytes;
      damaged[i] = char(damaged[i] ^ mask);
      ASSERT_FALSE(parse(damaged, "plan.dsv3").ok()) << "byte " << i;
    }
  }
}

TEST(PlanFile, EveryTruncationIsSeen) {
  std::string bytes = serialise(test::smallPlan());
  for (size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(parse(bytes.substr(0, size), "plan.dsv3").ok()) << size;
  }
  EXPECT_FALSE(parse(bytes + '\0', "plan.dsv3").ok());
}

TEST(PlanFile, AnotherVersionIsNamed) {
  std::string bytes = serialise(test::smallPlan());
  bytes[8] = char(planFormatVersion + 1);
  Expected<Plan> plan = parse(bytes, "b/plan.dsv3");
  ASSERT_FALSE(plan.ok());
  std::string expected = "version " + std::to_string(planFormatVersion) + ", found version " +
                         std::to_string(planFormatVersion + 1);
  EXPECT_NE(plan.failure().message().find(expected), std::string::npos);
  EXPECT_NE(plan.failure().message().find("b/plan.dsv3"), std::string::npos);
  EXPECT_NE(plan.failure().hint.find("dsv3-compile"), std::string::npos);
}

/// A body behind a header that is right, as an attacker could write it.
static std::string withHeader(const std::string &body) {
  std::string file = serialise(Plan{}).substr(0, 12);
  auto put = [&](uint64_t value) {
    for (int i = 0; i < 8; ++i) {
      file.push_back(char(value >> (8 * i)));
    }
  };
  uint64_t sum = 0xCBF29CE484222325U;
  for (char byte : body) {
    sum = (sum ^ uint8_t(byte)) * 0x100000001B3U;
  }
  put(28 + body.size()), put(sum);
  return file + body;
}

TEST(PlanFile, LyingCountsAllocateNothing) {
  std::string body = serialise(Plan{}).substr(28);
  ASSERT_TRUE(parse(withHeader(body), "p").ok());
  // Overwrite each eight bytes in turn with an enormous count.
  for (size_t at = 0; at + 8 <= body.size(); ++at) {
    std::string lying = body;
    lying.replace(at, 8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x0F");
    (void)parse(withHeader(lying), "p"); // may fail or not, but returns
  }
  std::string list = body;
  list.replace(0, 8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F");
  Expected<Plan> plan = parse(withHeader(list), "p");
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.failure().what.find("does not fit into"), std::string::npos);
}
