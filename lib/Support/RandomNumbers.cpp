//===- RandomNumbers.cpp - two generators ---------------------------------===//

#include "dsv3/Support/RandomNumbers.h"

#include <bit>

using namespace dsv3;

RandomNumbers::RandomNumbers(uint64_t seed, uint64_t stream) : state(0), increment(2 * stream + 1) {
  next();
  state += seed;
  next();
}

uint32_t RandomNumbers::next() {
  uint64_t old = state;
  state = old * 6364136223846793005U + increment;
  auto shifted = uint32_t(((old >> 18) ^ old) >> 27);
  return std::rotr(shifted, int(old >> 59));
}

double RandomNumbers::uniform() {
  uint64_t high = next() >> 5, low = next() >> 6; // 27 and 26 bits
  return double(high << 26 | low) * 0x1p-53;
}

std::array<uint32_t, 4> dsv3::philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  constexpr int rounds = 10;
  for (int round = 0; round < rounds; ++round) {
    uint64_t first = uint64_t(counter[0]) * 0xD2511F53U;
    uint64_t second = uint64_t(counter[2]) * 0xCD9E8D57U;
    counter = {uint32_t(second >> 32) ^ counter[1] ^ key[0], uint32_t(second),
               uint32_t(first >> 32) ^ counter[3] ^ key[1], uint32_t(first)};
    key = {key[0] + 0x9E3779B9U, key[1] + 0xBB67AE85U};
  }
  return counter;
}
