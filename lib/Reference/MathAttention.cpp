//===- MathAttention.cpp - attention over the latent cache ----------------===//
#include "Math.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

/// Writes the part of `rows` [begin, end): their weighted sum, the largest score, the sum of
/// exponentials.
static void attendPart(const std::vector<const double *> &rows, const std::vector<double> &scores,
                       size_t begin, size_t end, int64_t latent, double *out) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0.0;
  for (size_t s = begin; s < end; ++s) {
    largest = std::fmax(largest, scores[s]);
  }
  std::fill_n(out, latent, 0.0);
  for (size_t s = begin; s < end; ++s) {
    double weight = std::exp(scores[s] - largest);
    sum += weight;
    for (int64_t i = 0; i < latent; ++i) {
      out[i] += weight * rows[s][i];
    }
  }
  out[latent] = largest;
  out[latent + 1] = sum;
}

std::optional<Tensor> latentParts(const Tensor &query, const Tensor &ropeQuery,
                                  const StepTokens &tokens, const LatentCache &cache, int64_t layer,
                                  double scale, KeyParts parts) {
  int64_t heads = query.dim(1), latent = query.dim(2), rope = ropeQuery.dim(2);
  Tensor result({query.rows(), heads, parts.count * (latent + 2)});
  // What has no meaning is no number, so that it shows where it is read.
  std::fill_n(result.data(), result.size(), std::numeric_limits<double>::quiet_NaN());
  for (int64_t t = 0; t < query.rows(); ++t) {
    auto rows = visibleRows(cache, layer, tokens, t);
    if (!rows) {
      return std::nullopt;
    }
    auto visible = static_cast<int64_t>(rows->size());
    int64_t pages = (visible + parts.pageTokens - 1) / parts.pageTokens;
    int64_t ofPart = std::max((pages + parts.count - 1) / parts.count, parts.leastPages);
    int64_t keys = ofPart * parts.pageTokens;
    for (int64_t h = 0; h < heads; ++h) {
      std::vector<double> scores;
      for (const double *row : *rows) {
        scores.push_back(scale * (dot(query.row(t) + h * latent, row, latent) +
                                  dot(ropeQuery.row(t) + h * rope, row + latent, rope)));
      }
      double *out = result.row(t) + h * parts.count * (latent + 2);
      for (int64_t part = 0; part < parts.count; ++part, out += latent + 2) {
        int64_t begin = part * keys;
        if (begin < visible) {
          attendPart(*rows, scores, static_cast<size_t>(begin),
                     static_cast<size_t>(std::min(begin + keys, visible)), latent, out);
        } else {
          out[latent + 1] = 0;
        }
      }
    }
  }
  return result;
}

Tensor combineParts(const Tensor &partials, int64_t parts) {
  int64_t heads = partials.dim(1), width = partials.dim(2) / parts, latent = width - 2;
  Tensor result({partials.rows(), heads, latent});
  for (int64_t i = 0; i < partials.rows() * heads; ++i) {
    const double *from = partials.row(0) + i * parts * width;
    double *out = result.row(0) + i * latent, total = 0.0;
    double largest = -std::numeric_limits<double>::infinity();
    auto forParts = [&](auto body) {
      for (const double *part = from; part < from + parts * width; part += width) {
        if (part[latent + 1] != 0) {
          body(part);
        }
      }
    };
    forParts([&](const double *part) { largest = std::max(largest, part[latent]); });
    forParts([&](const double *part) {
      double weight = std::exp(part[latent] - largest);
      total += weight * part[latent + 1];
      for (int64_t k = 0; k < latent; ++k) {
        out[k] += weight * part[k];
      }
    });
    for (int64_t k = 0; k < latent; ++k) {
      out[k] /= total;
    }
  }
  return result;
}

std::optional<Tensor> latentAttention(const Tensor &query, const Tensor &ropeQuery,
                                      const StepTokens &tokens, const LatentCache &cache,
                                      int64_t layer, double scale) {
  KeyParts whole{.count = 1, .pageTokens = 1};
  auto part = latentParts(query, ropeQuery, tokens, cache, layer, scale, whole);
  return part ? std::optional(combineParts(*part, 1)) : std::nullopt;
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

std::optional<ExpandedTensors> expandLatents(const Tensor &kvB, int64_t nope,
                                             const StepTokens &tokens, const LatentCache &cache,
                                             int64_t layer, ExpandedShape shape) {
  int64_t heads = kvB.dim(0), value = kvB.dim(1) - nope, latent = kvB.dim(2);
  ExpandedTensors made{Tensor({shape.allRows, heads, nope}), Tensor({shape.allRows, shape.rope}),
                       Tensor({heads, value, shape.allRows})};
  for (Tensor *tensor : {&made.keys, &made.ropeKeys, &made.values}) {
    std::fill_n(tensor->data(), tensor->size(), std::numeric_limits<double>::quiet_NaN());
  }
  auto set = [&](int64_t at, const double *row) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < nope + value; ++i) {
        double number = row ? dot(kvB.data() + (h * (nope + value) + i) * latent, row, latent) : 0;
        if (i < nope) {
          made.keys[(at * heads + h) * nope + i] = number;
        } else {
          made.values[(h * value + i - nope) * shape.allRows + at] =
              std::isfinite(number) ? number : 0;
        }
      }
    }
    for (int64_t i = 0; i < shape.rope; ++i) {
      made.ropeKeys[at * shape.rope + i] = row ? row[latent + i] : 0;
    }
  };
  std::map<int64_t, int64_t> known; // positions by request
  for (int64_t t = 0; t < tokens.positions.size(); ++t) {
    int64_t &most = known[static_cast<int64_t>(tokens.requests[t])];
    most = std::max(most, static_cast<int64_t>(tokens.positions[t]) + 1);
  }
  for (auto [request, count] : known) {
    int64_t padded = (count + shape.piece - 1) / shape.piece * shape.piece;
    for (int64_t s = 0; s < padded; ++s) {
      const std::vector<double> *row = s < count ? cache.find(layer, request, s) : nullptr;
      if (s < count && !row) {
        return std::nullopt;
      }
      set(request * shape.requestRows + s, row ? row->data() : nullptr);
    }
  }
  return made;
}

Tensor prefillAttention(const Tensor &query, const Tensor &ropeQuery,
                        const ExpandedTensors &expanded, const StepTokens &tokens,
                        int64_t requestRows, double scale) {
  int64_t heads = query.dim(1), nope = query.dim(2), rope = ropeQuery.dim(2);
  int64_t value = expanded.values.dim(1), allRows = expanded.values.dim(2);
  Tensor result({query.rows(), heads, value});
  for (int64_t t = 0; t < query.rows(); ++t) {
    int64_t first = static_cast<int64_t>(tokens.requests[t]) * requestRows;
    auto seen = static_cast<int64_t>(tokens.positions[t]) + 1;
    for (int64_t h = 0; h < heads; ++h) {
      std::vector<double> scores;
      for (int64_t row = first; row < first + seen; ++row) {
        scores.push_back(scale *
                         (dot(query.row(t) + h * nope, expanded.keys.row(row) + h * nope, nope) +
                          dot(ropeQuery.row(t) + h * rope, expanded.ropeKeys.row(row), rope)));
      }
      softmax(scores);
      for (int64_t i = 0; i < value; ++i) {
        const double *values = expanded.values.data() + (h * value + i) * allRows + first;
        result.row(t)[h * value + i] = dot(scores.data(), values, seen);
      }
    }
  }
  return result;
}

} // namespace dsv3::reference
