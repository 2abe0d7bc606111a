//===- RandomNumbersTest.cpp - known answers of both generators -----------===//

#include "dsv3/Support/RandomNumbers.h"

#include <gtest/gtest.h>

using namespace dsv3;

TEST(RandomNumbers, AreThoseOfPcg32) {
  RandomNumbers random(42, 54); // the demonstration of the published code
  for (uint32_t expected : {0xa15c02b7U, 0x7b47f409U, 0xba1d3330U, 0x83d2f293U, 0xbfa4784bU}) {
    EXPECT_EQ(random.next(), expected);
  }
}

// The known answers that Random123, the published code, is tested with.
TEST(RandomNumbers, AreThoseOfPhilox) {
  using Words = std::array<uint32_t, 4>;
  constexpr uint32_t ones = 0xffffffffU;
  EXPECT_EQ(philox({}, {}), (Words{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}));
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Words{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU}));
  EXPECT_EQ(
      philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}),
      (Words{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U}));
}
