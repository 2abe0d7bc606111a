//===- Sampling.cpp - choose the next token -------------------------------===//
//
// Candidates are ordered by logit, then by id, so that ties are broken alike
// everywhere; the partial orders (top-k by selection, then a sort of what is
// left) give the same result as a full sort. Sums are in double.
//
//===----------------------------------------------------------------------===//

#include "dsv3/Support/Sampling.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

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

Status dsv3::validate(const SamplingOptions &options) {
  auto refuse = [](const char *name, const char *range, const std::string &found) {
    return Failure{"expected " + std::string(name) + " " + range + ", found " + found};
  };
  if (!(options.temperature >= 0 && std::isfinite(options.temperature))) {
    return refuse("temperature", "of 0 or more", std::to_string(options.temperature));
  }
  if (options.topK < 0) {
    return refuse("top-k", "of 0 (all tokens) or more", std::to_string(options.topK));
  }
  if (!(options.topP >= 0 && options.topP <= 1)) {
    return refuse("top-p", "between 0 and 1", std::to_string(options.topP));
  }
  if (!(options.minP >= 0 && options.minP <= 1)) {
    return refuse("min-p", "between 0 and 1", std::to_string(options.minP));
  }
  return {};
}

/// Those of ids below `limit`.
static std::span<const float> before(std::span<const float> logits, int64_t limit) {
  return logits.first(std::min(logits.size(), size_t(std::max<int64_t>(limit, 0))));
}

int32_t dsv3::argmax(std::span<const float> logits, int64_t limit) {
  logits = before(logits, limit);
  size_t best = 0;
  float value = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > value) {
      value = logits[i], best = i;
    }
  }
  return std::isfinite(value) ? int32_t(best) : noToken;
}

Sampler::Sampler(const SamplingOptions &options, int64_t vocabSize)
    : options(options), random(options.seed) {
  if (options.temperature > 0) {
    candidates.resize(size_t(vocabSize));
    mass.resize(size_t(vocabSize));
  }
}

size_t Sampler::keepTopK(size_t count) {
  auto before = [](const Candidate &a, const Candidate &b) {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
  };
  if (options.topK > 0 && size_t(options.topK) < count) {
    std::nth_element(candidates.begin(), candidates.begin() + options.topK,
                     candidates.begin() + ptrdiff_t(count), before);
    count = size_t(options.topK);
  }
  std::sort(candidates.begin(), candidates.begin() + ptrdiff_t(count), before);
  return count;
}

void Sampler::normalise(size_t count) {
  double sum = 0, top = candidates[0].logit;
  for (size_t i = 0; i < count; ++i) {
    mass[i] = std::exp((candidates[i].logit - top) / options.temperature);
    sum += mass[i];
  }
  for (size_t i = 0; i < count; ++i) {
    mass[i] /= sum;
  }
}

int32_t Sampler::sample(std::span<const float> logits, int64_t limit) {
  if (options.temperature == 0) {
    return argmax(logits, limit);
  }
  logits = before(logits, limit);
  size_t count = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isfinite(logits[i])) {
      candidates[count++] = {logits[i], int32_t(i)};
    }
  }
  if (count == 0) {
    return noToken;
  }
  count = keepTopK(count);
  normalise(count);
  if (options.topP < 1) {
    // The first token is always kept, and the one that crosses the mass.
    double sum = 0;
    size_t kept = 0;
    while (kept < count && (kept == 0 || sum < options.topP)) {
      sum += mass[kept++];
    }
    if (kept < count) {
      count = kept;
      normalise(count);
    }
  }
  if (options.minP > 0) {
    size_t kept = 1;
    while (kept < count && mass[kept] >= options.minP * mass[0]) {
      ++kept;
    }
    if (kept < count) {
      count = kept;
      normalise(count);
    }
  }
  double draw = random.uniform(), sum = 0;
  for (size_t i = 0; i + 1 < count; ++i) {
    sum += mass[i];
    if (draw < sum) {
      return candidates[i].id;
    }
  }
  return candidates[count - 1].id;
}
