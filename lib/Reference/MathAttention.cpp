//===- MathAttention.cpp - attention over the latent cache ----------------===//
#include "Math.h"

#include <algorithm>
#include <cmath>

namespace dsv3::reference {

void LatentCache::append(int64_t layer, int64_t request, int64_t position,
                         std::vector<double> row) {
  auto &rows = pages[{layer, request}];
  if (rows.size() <= static_cast<size_t>(position)) {
    rows.resize(static_cast<size_t>(position) + 1);
  }
  rows[static_cast<size_t>(position)] = std::move(row);
}

const std::vector<double> *LatentCache::find(int64_t layer, int64_t request,
                                             int64_t position) const {
  auto found = pages.find({layer, request});
  if (found == pages.end() || position < 0 ||
      found->second.size() <= static_cast<size_t>(position) ||
      found->second[static_cast<size_t>(position)].empty()) {
    return nullptr;
  }
  return &found->second[static_cast<size_t>(position)];
}

void LatentCache::rewind(int64_t request, int64_t length) {
  for (auto &[key, rows] : pages) {
    if (key.second == request && rows.size() > static_cast<size_t>(length)) {
      rows.resize(static_cast<size_t>(length));
    }
  }
}

/// Rows 0 to `position` of a request, or nothing if one was never appended.
static std::optional<std::vector<const double *>>
visibleRows(const LatentCache &cache, int64_t layer, const StepTokens &tokens, int64_t token) {
  std::vector<const double *> rows;
  auto position = static_cast<int64_t>(tokens.positions[token]);
  for (int64_t s = 0; s <= position; ++s) {
    const std::vector<double> *row =
        cache.find(layer, static_cast<int64_t>(tokens.requests[token]), s);
    if (!row) {
      return std::nullopt;
    }
    rows.push_back(row->data());
  }
  return rows;
}

static void softmax(std::vector<double> &scores) {
  double largest = *std::max_element(scores.begin(), scores.end()), sum = 0.0;
  for (double &score : scores) {
    score = std::exp(score - largest);
    sum += score;
  }
  for (double &score : scores) {
    score /= sum;
  }
}

std::optional<Tensor> latentAttention(const Tensor &query, const Tensor &ropeQuery,
                                      const StepTokens &tokens, const LatentCache &cache,
                                      int64_t layer, double scale) {
  int64_t heads = query.dim(1), latent = query.dim(2), rope = ropeQuery.dim(2);
  Tensor result(query.shape());
  for (int64_t t = 0; t < query.rows(); ++t) {
    auto rows = visibleRows(cache, layer, tokens, t);
    if (!rows) {
      return std::nullopt;
    }
    for (int64_t h = 0; h < heads; ++h) {
      std::vector<double> scores;
      for (const double *row : *rows) {
        scores.push_back(scale * (dot(query.row(t) + h * latent, row, latent) +
                                  dot(ropeQuery.row(t) + h * rope, row + latent, rope)));
      }
      softmax(scores);
      double *out = result.row(t) + h * latent;
      for (size_t s = 0; s < rows->size(); ++s) {
        for (int64_t i = 0; i < latent; ++i) {
          out[i] += scores[s] * (*rows)[s][i];
        }
      }
    }
  }
  return result;
}

std::optional<Tensor> expandedAttention(const Tensor &query, const Tensor &ropeQuery,
                                        const Tensor &kvB, const StepTokens &tokens,
                                        const LatentCache &cache, int64_t layer, double scale) {
  int64_t heads = query.dim(1), nope = query.dim(2), rope = ropeQuery.dim(2);
  int64_t latent = kvB.dim(2), value = kvB.dim(1) - nope;
  Tensor result({query.rows(), heads, value});
  // Expanded rows by (request, position): many tokens see the same ones.
  std::map<const double *, std::vector<double>> expanded;
  for (int64_t t = 0; t < query.rows(); ++t) {
    auto rows = visibleRows(cache, layer, tokens, t);
    if (!rows) {
      return std::nullopt;
    }
    for (const double *row : *rows) {
      std::vector<double> &keyValue = expanded[row];
      if (keyValue.empty()) {
        for (int64_t i = 0; i < heads * (nope + value); ++i) {
          keyValue.push_back(dot(kvB.data() + i * latent, row, latent));
        }
      }
    }
    for (int64_t h = 0; h < heads; ++h) {
      std::vector<double> scores;
      for (const double *row : *rows) {
        const double *key = expanded[row].data() + h * (nope + value);
        scores.push_back(scale * (dot(query.row(t) + h * nope, key, nope) +
                                  dot(ropeQuery.row(t) + h * rope, row + latent, rope)));
      }
      softmax(scores);
      double *out = result.row(t) + h * value;
      for (size_t s = 0; s < rows->size(); ++s) {
        const double *values = expanded[(*rows)[s]].data() + h * (nope + value) + nope;
        for (int64_t i = 0; i < value; ++i) {
          out[i] += scores[s] * values[i];
        }
      }
    }
  }
  return result;
}

} // namespace dsv3::reference
