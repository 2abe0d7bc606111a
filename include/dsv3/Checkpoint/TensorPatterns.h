//===- TensorPatterns.h - many tensor keys in few lines ---------*- C++ -*-===//
//
// A model has tens of thousands of tensors; what is wrong with one is mostly wrong with
// all of its kind. Joins like defects of like keys:
// "model.layers.{3..60}.mlp.experts.{0..255}.up_proj.weight". Exact: a line never
// covers a key that was not added.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dsv3::checkpoint {

/// Defects of tensors, joined by pattern and text.
class TensorPatterns {
public:
  /// Adds the defect `text` of `key`. Text that differs keeps keys apart.
  void add(std::string_view key, const std::string &text);
  bool empty() const { return groups.empty(); }
  /// How many keys were added.
  size_t size() const { return count; }
  /// A line "'pattern' text" each, in the order in which patterns were first added.
  std::vector<std::string> lines() const;

private:
  /// Keys that differ in their layer and expert only. -1: the key has no such number.
  struct Group {
    std::string pattern; ///< with {layer} and {expert} for the numbers
    std::string text;
    std::map<int64_t, std::set<int64_t>> experts; ///< by layer
  };

  std::vector<Group> groups;
  std::map<std::pair<std::string, std::string>, size_t> indices;
  size_t count = 0;
};

} // namespace dsv3::checkpoint
