//===- Sampling.h - choose the next token -----------------------*- C++ -*-===//
//
// The meaning of dsv3.sample, which steps of a model end with: the greedy choice, or a seeded draw.
// Filters come in the order of Hugging Face's generate: temperature, top-k, top-p, min-p.
//
// All devices choose the same token of the same logits. Weights of tokens are whole numbers, so
// that their sums do not depend on an order; each weight comes of operations that IEEE 754 defines
// to the last bit; and the random number is that of the seed and the token's position (Philox), not
// one of a row of numbers.
//
// All functions are pure and thread-safe.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <array>
#include <cstdint>
#include <span>

namespace dsv3 {

struct SamplingOptions {
  double temperature = 0; ///< 0: the best token, and the filters do not matter
  int64_t topK = 0;       ///< keep this many; 0: all
  double topP = 1;        ///< keep the most likely tokens up to this mass; 1: all
  double minP = 0;        ///< keep tokens at least this likely, relative to the best; 0: all
  uint64_t seed = 0;
};

/// Fails, naming the option, if a value is outside of its range or not finite.
Status validate(const SamplingOptions &options);

/// What one token is chosen by: a row of the second operand of dsv3.sample, word by word.
struct SamplingRow {
  int32_t limit = 0;  ///< ids from here on are not chosen (those that the tokenizer lacks)
  float scale = 0;    ///< log2(e) / temperature, of 2^-100 to 2^100; 0: the best token
  int32_t topK = 0;   ///< keep this many; 0: all
  uint32_t cut = 0;   ///< 1 - top-p, in units of 2^-32
  uint32_t least = 0; ///< min-p, in units of 2^-32
  uint32_t drawHigh = 0, drawLow = 0; ///< the random number, 64 bits
};
inline constexpr int64_t samplingWords = sizeof(SamplingRow) / sizeof(int32_t);

/// The row for the token that will stand at `position`. What the options say is rounded to the
/// row's units. Precondition: validate(options) succeeds.
SamplingRow samplingRow(const SamplingOptions &options, int64_t limit, int64_t position);

/// In the place of a token: no logit is a number to choose it by.
inline constexpr int32_t noToken = -1;

/// The index of the largest of the first `limit` logits, or of all if there are fewer; the lowest
/// among equals. NaN is never the largest. noToken if the largest is infinite or there is none.
int32_t argmax(std::span<const float> logits, int64_t limit);

/// A weight has this many bits behind the point: that of the largest logit is 2^40.
inline constexpr int weightBits = 40;

/// 2^f for f from 0 to 1, as 1 + f (c0 + f (c1 + … f c5)): a minimax fit, whose values in f32 err
/// by less than 2^-23.
inline constexpr std::array<float, 6> exp2Coefficients{0x1.62e42cp-1F,  0x1.ebfd58p-3F,
                                                       0x1.c68912p-5F,  0x1.3d0b92p-7F,
                                                       0x1.46d64ap-10F, 0x1.c5417cp-13F};

/// How likely a token is, relative to the one with the largest logit: with
///   d = logit - largest,  x = d scale,  n = floor(x),  f = d scale - n rounded once,
/// 2^40 2^n p(f), rounded to zero, where p is the polynomial above with an fma for each step. 0
/// where x is less than -40, so that the weights of 2^20 tokens have a sum below 2^61.
uint64_t samplingWeight(float logit, float largest, float scale);

/// The token that the row chooses. With scale 0 that is argmax. Otherwise, of the finite logits
/// below the limit whose weight is not 0, in the order of logits, of equal ones that of ids:
///   1. top-k keeps the first ones;
///   2. with the sum s of their weights top-p keeps the fewest first ones whose weights
///      have a sum of s - floor(s cut / 2^32) or more;
///   3. min-p keeps those with a weight of `least` 2^8 or more;
///   4. with the sum s of the weights that are left the token is the lowest id up to which, in
///      the order of ids, they have a sum of more than floor(s draw / 2^64).
/// noToken if no logit below the limit is finite.
int32_t sample(std::span<const float> logits, const SamplingRow &row);

} // namespace dsv3
