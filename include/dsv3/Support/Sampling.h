//===- Sampling.h - choose the next token -----------------------*- C++ -*-===//
//
// Greedy choice and seeded sampling from a row of logits. The greedy choice is the
// meaning of dsv3.argmax, which steps of a model end with. Filters come
// in the order of Hugging Face's generate: temperature, top-k, top-p, min-p.
// The random numbers are PCG32's and the same on every platform.
//
// Not thread-safe: one Sampler per sequence. Nothing is allocated after
// construction.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstdint>
#include <span>
#include <vector>

namespace dsv3 {

/// PCG32 (O'Neill, 2014; XSH-RR 64/32).
class RandomNumbers {
public:
  explicit RandomNumbers(uint64_t seed, uint64_t stream = 0);
  uint32_t next();
  /// Uniform in [0, 1), a multiple of 2^-53.
  double uniform();

private:
  uint64_t state, increment;
};

struct SamplingOptions {
  double temperature = 0; ///< 0: the best token, and the filters do not matter
  int64_t topK = 0;       ///< keep this many; 0: all
  double topP = 1;        ///< keep the most likely tokens up to this mass; 1: all
  double minP = 0;        ///< keep tokens at least this likely, relative to the best; 0: all
  uint64_t seed = 0;
};

/// Fails, naming the option, if a value is outside of its range or not finite.
Status validate(const SamplingOptions &options);

/// In the place of a token: no logit is a number to choose it by.
inline constexpr int32_t noToken = -1;

/// The index of the largest of the first `limit` logits, or of all if there are fewer; the lowest
/// among equals. NaN is never the largest. noToken if the largest is infinite or there is none.
int32_t argmax(std::span<const float> logits, int64_t limit);

class Sampler {
public:
  /// Precondition: validate(options) succeeds. Rows may have up to vocabSize
  /// logits.
  Sampler(const SamplingOptions &options, int64_t vocabSize);

  /// The next token. Ids from `limit` on are not chosen (those that the
  /// tokenizer lacks). noToken if no logit before is finite.
  int32_t sample(std::span<const float> logits, int64_t limit);

private:
  struct Candidate {
    float logit;
    int32_t id;
  };
  SamplingOptions options;
  RandomNumbers random;
  std::vector<Candidate> candidates;
  std::vector<double> mass;

  /// Keeps the candidates that top-k admits; returns how many.
  size_t keepTopK(size_t count);
  /// Probabilities of the first `count` candidates into `mass`.
  void normalise(size_t count);
};

} // namespace dsv3
