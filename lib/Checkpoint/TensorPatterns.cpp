//===- TensorPatterns.cpp - many tensor keys in few lines -----------------===//
//
// Takes the numbers out of keys, and puts sets of numbers in again when printing.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/TensorPatterns.h"

#include "dsv3/Checkpoint/Json.h"
#include "dsv3/Support/KeyMarks.h"

#include <algorithm>

namespace dsv3::checkpoint {

/// Replaces the number after the first `before` in `key` by `mark` and returns it; -1 if
/// there is none. Leaves what is no plain number ("007", more than nine digits).
static int64_t takeNumber(std::string &key, std::string_view before, std::string_view mark) {
  size_t begin = key.find(before);
  if (begin == std::string::npos) {
    return -1;
  }
  begin += before.size();
  size_t end = key.find_first_not_of("0123456789", begin);
  end = end == std::string::npos ? key.size() : end;
  size_t digits = end - begin;
  if (digits == 0 || digits > 9 || (digits > 1 && key[begin] == '0')) {
    return -1;
  }
  int64_t number = 0;
  for (size_t i = begin; i < end; ++i) {
    number = number * 10 + (key[i] - '0');
  }
  key.replace(begin, digits, mark);
  return number;
}

void TensorPatterns::add(std::string_view key, const std::string &text) {
  std::string pattern(key);
  // A hostile key may hold the marks already; such a key stays as it is.
  bool plain = key.find('{') == std::string_view::npos;
  int64_t layer = plain ? takeNumber(pattern, ".layers.", layerMark) : -1;
  int64_t expert = plain ? takeNumber(pattern, ".experts.", expertMark) : -1;
  auto [found, isNew] = indices.emplace(std::pair(pattern, text), groups.size());
  if (isNew) {
    groups.push_back({pattern, text, {}});
  }
  groups[found->second].experts[layer].insert(expert);
  ++count;
}

/// "7", "{3..60}" or "{1, 3, 5..9}"; the first few pieces of a long list.
static std::string setText(const std::vector<int64_t> &sorted) {
  constexpr size_t shown = 6;
  std::string text;
  size_t pieces = 0;
  for (size_t i = 0; i < sorted.size();) {
    size_t last = i;
    while (last + 1 < sorted.size() && sorted[last + 1] == sorted[last] + 1) {
      ++last;
    }
    if (++pieces > shown) {
      text += ", … to " + std::to_string(sorted.back());
      break;
    }
    text += (i == 0 ? "" : ", ") + std::to_string(sorted[i]);
    if (last > i) {
      text += (last == i + 1 ? ", " : "..") + std::to_string(sorted[last]);
    }
    i = last + 1;
  }
  return sorted.size() == 1 ? text : "{" + text + "}";
}

/// Puts numbers where they were taken out: {-1} says that none were, so that a mark there
/// is the key's own.
static void replaceMark(std::string &text, std::string_view mark,
                        const std::vector<int64_t> &numbers) {
  if (size_t at = text.find(mark); at != std::string::npos && numbers.front() >= 0) {
    text.replace(at, mark.size(), setText(numbers));
  }
}

std::vector<std::string> TensorPatterns::lines() const {
  std::vector<std::string> result;
  for (const Group &group : groups) {
    // Layers with the same experts share a line; the order of the first layers is kept.
    std::vector<std::pair<std::vector<int64_t>, const std::set<int64_t> *>> rows;
    std::map<std::set<int64_t>, size_t> rowOf;
    for (const auto &[layer, experts] : group.experts) {
      auto [found, isNew] = rowOf.emplace(experts, rows.size());
      if (isNew) {
        rows.emplace_back(std::vector<int64_t>(), &experts);
      }
      rows[found->second].first.push_back(layer);
    }
    for (const auto &[layers, experts] : rows) {
      std::string line = group.pattern;
      replaceMark(line, layerMark, layers);
      replaceMark(line, expertMark, {experts->begin(), experts->end()});
      line = inQuotes(line) + " " + group.text;
      if (size_t keys = layers.size() * experts->size(); keys > 1) {
        line += " (" + std::to_string(keys) + " tensors)";
      }
      result.push_back(std::move(line));
    }
  }
  return result;
}

} // namespace dsv3::checkpoint
