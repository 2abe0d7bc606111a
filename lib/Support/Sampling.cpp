//===- Sampling.cpp - choose the next token -------------------------------===//
//
// The plain form of what devices do in one pass after the other: sort, cut, add up.
//
//===----------------------------------------------------------------------===//

#include "dsv3/Support/Sampling.h"

#include "dsv3/Support/RandomNumbers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

using namespace dsv3;

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

/// Of 0 to 1, in units of 2^-32; 1 is one unit less.
static uint32_t fractionOf(double value) {
  return uint32_t(std::min(std::round(value * 0x1p32), 0x1p32 - 1));
}

static int32_t clampToInt(int64_t value) {
  return int32_t(std::clamp<int64_t>(value, 0, std::numeric_limits<int32_t>::max()));
}

SamplingRow dsv3::samplingRow(const SamplingOptions &options, int64_t limit, int64_t position) {
  SamplingRow row;
  row.limit = clampToInt(limit);
  if (options.temperature == 0) {
    return row;
  }
  row.scale = float(std::clamp(std::numbers::log2e / options.temperature, 0x1p-100, 0x1p100));
  row.topK = clampToInt(options.topK);
  row.cut = fractionOf(1 - options.topP);
  row.least = fractionOf(options.minP);
  auto place = uint64_t(position);
  auto words = philox({uint32_t(place), uint32_t(place >> 32), 0, 0},
                      {uint32_t(options.seed), uint32_t(options.seed >> 32)});
  row.drawHigh = words[0], row.drawLow = words[1];
  return row;
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

uint64_t dsv3::samplingWeight(float logit, float largest, float scale) {
  float d = logit - largest;
  float x = d * scale;
  if (!(x >= -float(weightBits))) {
    return 0;
  }
  float n = std::floor(x);
  float f = std::fma(d, scale, -n);
  float p = exp2Coefficients.back();
  for (size_t i = exp2Coefficients.size() - 1; i > 0; --i) {
    p = std::fma(p, f, exp2Coefficients[i - 1]);
  }
  p = std::fma(p, f, 1.0F);
  return uint64_t(std::ldexp(p, weightBits + int(n))); // a power of two: exact
}

namespace {
struct Candidate {
  float logit;
  int32_t id;
  uint64_t weight;
};
} // namespace

static uint64_t sumOf(std::span<const Candidate> candidates) {
  uint64_t sum = 0;
  for (const Candidate &each : candidates) {
    sum += each.weight;
  }
  return sum;
}

/// floor((sum factor + add) / 2^32), for sums and what is added below 2^61.
static uint64_t scaled(uint64_t sum, uint32_t factor, uint64_t add) {
  uint64_t low = uint64_t(uint32_t(sum)) * factor;
  return (sum >> 32) * factor + (low >> 32) + ((uint32_t(low) + add) >> 32);
}

/// All that may be chosen, the most likely first.
static std::vector<Candidate> candidatesOf(std::span<const float> logits, float scale) {
  float largest = -std::numeric_limits<float>::infinity();
  for (float logit : logits) {
    largest = std::isfinite(logit) ? std::max(largest, logit) : largest;
  }
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < logits.size(); ++i) {
    uint64_t weight = std::isfinite(logits[i]) ? samplingWeight(logits[i], largest, scale) : 0;
    if (weight > 0) {
      candidates.push_back({logits[i], int32_t(i), weight});
    }
  }
  std::ranges::stable_sort(candidates, std::ranges::greater(), &Candidate::logit);
  return candidates;
}

int32_t dsv3::sample(std::span<const float> logits, const SamplingRow &row) {
  if (row.scale == 0) {
    return argmax(logits, row.limit);
  }
  std::vector<Candidate> kept = candidatesOf(before(logits, row.limit), row.scale);
  if (row.topK > 0 && size_t(row.topK) < kept.size()) {
    kept.resize(size_t(row.topK));
  }
  uint64_t all = sumOf(kept), wanted = all - scaled(all, row.cut, 0), sum = 0;
  size_t count = 0;
  while (count < kept.size() && sum < wanted) {
    sum += kept[count++].weight;
  }
  kept.resize(count);
  std::erase_if(kept,
                [&](const Candidate &each) { return each.weight < uint64_t(row.least) << 8; });
  std::ranges::sort(kept, {}, &Candidate::id);
  all = sumOf(kept), sum = 0;
  uint64_t place = scaled(all, row.drawHigh, scaled(all, row.drawLow, 0));
  for (const Candidate &each : kept) {
    sum += each.weight;
    if (sum > place) {
      return each.id;
    }
  }
  return noToken;
}
