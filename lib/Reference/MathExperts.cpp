//===- MathExperts.cpp - router, dispatch and combine ---------------------===//
#include "Math.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace dsv3::reference {

/// Indices of the `count` largest of `values`, largest first, ties to the lowest index.
static std::vector<int64_t> largest(const std::vector<double> &values, int64_t count) {
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), int64_t(0));
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
  });
  order.resize(static_cast<size_t>(count));
  return order;
}

std::pair<Tensor, Tensor> route(const Tensor &logits, const Tensor &bias,
                                const RouterChoice &choice, Precision precision) {
  auto rounded = [&](double value) {
    return precision == Precision::F32 ? static_cast<double>(static_cast<float>(value)) : value;
  };
  int64_t experts = logits.columns(), size = experts / choice.groups;
  Tensor chosen({logits.rows(), choice.topK}), weights({logits.rows(), choice.topK});
  for (int64_t t = 0; t < logits.rows(); ++t) {
    std::vector<double> scores, biased;
    for (int64_t e = 0; e < experts; ++e) {
      scores.push_back(rounded(1.0 / (1.0 + std::exp(-logits.row(t)[e]))));
      biased.push_back(rounded(scores.back() + bias[e]));
    }
    if (choice.groups > 1) {
      std::vector<double> groupScores;
      for (int64_t g = 0; g < choice.groups; ++g) {
        std::vector<double> members(biased.begin() + g * size, biased.begin() + (g + 1) * size);
        std::vector<int64_t> best = largest(members, 2);
        groupScores.push_back(
            rounded(members[static_cast<size_t>(best[0])] + members[static_cast<size_t>(best[1])]));
      }
      std::vector<int64_t> kept = largest(groupScores, choice.topGroups);
      for (int64_t e = 0; e < experts; ++e) {
        if (std::find(kept.begin(), kept.end(), e / size) == kept.end()) {
          biased[static_cast<size_t>(e)] = -INFINITY;
        }
      }
    }
    std::vector<int64_t> best = largest(biased, choice.topK);
    double sum = 0.0;
    for (int64_t e : best) {
      sum += scores[static_cast<size_t>(e)];
    }
    std::stable_sort(best.begin(), best.end(), [&](int64_t a, int64_t b) {
      double x = scores[static_cast<size_t>(a)], y = scores[static_cast<size_t>(b)];
      // A negative scale turns the order of the final weights around.
      bool heavier = choice.scale < 0 ? x < y : x > y;
      return x == y ? a < b : heavier;
    });
    for (int64_t j = 0; j < choice.topK; ++j) {
      double score = scores[static_cast<size_t>(best[static_cast<size_t>(j)])];
      chosen[t * choice.topK + j] = static_cast<double>(best[static_cast<size_t>(j)]);
      weights[t * choice.topK + j] =
          (choice.normalise ? score / (sum + 1e-20) : score) * choice.scale;
    }
  }
  return {chosen, weights};
}

std::optional<Dispatched> dispatch(const Tensor &experts, int64_t numExperts) {
  int64_t tokens = experts.rows(), k = experts.columns();
  Dispatched result{Tensor({numExperts + 1}), Tensor({tokens * k}), Tensor({tokens, k})};
  int64_t entry = 0;
  for (int64_t i = 0; i < experts.size(); ++i) {
    if (!(experts[i] >= 0 && experts[i] < static_cast<double>(numExperts))) {
      return std::nullopt;
    }
  }
  for (int64_t e = 0; e < numExperts; ++e) {
    result.offsets[e] = static_cast<double>(entry);
    for (int64_t i = 0; i < tokens * k; ++i) {
      if (experts[i] == static_cast<double>(e)) {
        result.rows[entry] = static_cast<double>(i / k);
        result.slots[i] = static_cast<double>(entry++);
      }
    }
  }
  result.offsets[numExperts] = static_cast<double>(entry);
  return result;
}

Tensor combine(const Tensor &x, const Tensor &slots, const Tensor &weights) {
  int64_t tokens = slots.rows(), k = slots.columns(), n = x.columns();
  Tensor result({tokens, n});
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t j = 0; j < k; ++j) {
      const double *from = x.row(static_cast<int64_t>(slots[t * k + j]));
      for (int64_t i = 0; i < n; ++i) {
        result[t * n + i] += weights[t * k + j] * from[i];
      }
    }
  }
  return result;
}

} // namespace dsv3::reference
