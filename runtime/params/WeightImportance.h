//===- WeightImportance.h - which columns of weights matter -----*- C++ -*-===//
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

/// For tensors of a checkpoint, by key, a factor for the squared error of each column, as
/// dsv3::encodeRow takes it.
class WeightImportance {
public:
  /// Precondition: `columns` has one for each column of the tensor, none negative.
  void set(std::string key, std::vector<float> columns) {
    tensors.insert_or_assign(std::move(key), std::move(columns));
  }
  /// Empty where nothing is known.
  std::span<const float> of(std::string_view key) const {
    auto known = tensors.find(key);
    return known == tensors.end() ? std::span<const float>() : known->second;
  }
  size_t size() const { return tensors.size(); }

private:
  std::map<std::string, std::vector<float>, std::less<>> tensors;
};

} // namespace dsv3::runtime
