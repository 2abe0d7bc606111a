//===- InputSquares.cpp - what weights are multiplied with ----------------===//
#include "runtime/cli/InputSquares.h"

#include "dsv3/Plan/Key.h"
#include "dsv3/Plan/Names.h"

#include <algorithm>
#include <numeric>

namespace dsv3::cli {

void InputSquares::Sums::add(const float *row) {
  ++rows;
  for (size_t i = 0; i < squares.size(); ++i) {
    squares[i] += double(row[i]) * double(row[i]);
  }
}

InputSquares::Sums &InputSquares::sumsOf(std::string_view key, int64_t layer, int64_t expert,
                                         int64_t columns) {
  Sums &found = sums[plan::expandKey(key, layer, expert)];
  found.squares.resize(size_t(columns));
  return found;
}

void InputSquares::value(const runtime::ObservedValue &seen) {
  if (seen.name == plan::observedExperts) {
    const auto *ids = static_cast<const int32_t *>(seen.data);
    experts.assign(ids, ids + seen.rows * seen.columns);
    choices = seen.columns;
  } else if (seen.name.starts_with(plan::observedInput)) {
    addTokens(seen, seen.name.substr(plan::observedInput.size()));
  } else if (seen.name.starts_with(plan::observedEntries)) {
    addChoices(seen, seen.name.substr(plan::observedEntries.size()));
  }
}

/// A row for each token, which all its experts read.
void InputSquares::addTokens(const runtime::ObservedValue &seen, std::string_view key) {
  const auto *rows = static_cast<const float *>(seen.data);
  bool byExpert = plan::namesExpert(key);
  Sums *ofAll = byExpert ? nullptr : &sumsOf(key, seen.layer, 0, seen.columns);
  for (int64_t t = 0; t < seen.rows; ++t) {
    const float *row = rows + t * seen.columns;
    if (ofAll) {
      ofAll->add(row);
    }
    for (int64_t c = 0; byExpert && c < choices; ++c) {
      sumsOf(key, seen.layer, experts[size_t(t * choices + c)], seen.columns).add(row);
    }
  }
}

/// A row for each choice, sorted by expert.
void InputSquares::addChoices(const runtime::ObservedValue &seen, std::string_view key) {
  const auto *rows = static_cast<const float *>(seen.data);
  int64_t columns = seen.columns / choices;
  std::vector<int32_t> sorted = experts;
  std::ranges::sort(sorted);
  for (size_t entry = 0; entry < sorted.size(); ++entry) {
    sumsOf(key, seen.layer, sorted[entry], columns).add(rows + int64_t(entry) * columns);
  }
}

runtime::WeightImportance InputSquares::importance() const {
  runtime::WeightImportance result;
  for (const auto &[key, known] : sums) {
    double total = std::accumulate(known.squares.begin(), known.squares.end(), 0.0);
    double mean = total / double(known.squares.size()) / double(known.rows);
    std::vector<float> columns(known.squares.size());
    for (size_t i = 0; i < columns.size(); ++i) {
      columns[i] = float((known.squares[i] + priorRows * mean) / (double(known.rows) + priorRows));
    }
    result.set(key, std::move(columns));
  }
  return result;
}

} // namespace dsv3::cli
