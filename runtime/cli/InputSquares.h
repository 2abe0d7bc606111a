//===- InputSquares.h - what weights are multiplied with --------*- C++ -*-===//
//
// Watches the steps of a model that was compiled with --observe-inputs and sums up, for each
// tensor that a product reads, the squares of what its columns are multiplied with.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/params/WeightImportance.h"
#include "runtime/session/Observer.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace dsv3::cli {

/// An error of a weight changes the result by what it is multiplied with, so that the mean square
/// of that is a factor of the squared error (Hassibi and Stork 1993, with the Hessian's diagonal).
class InputSquares final : public runtime::Observer {
public:
  void value(const runtime::ObservedValue &seen) override;

  /// The mean squares, pulled a little towards the mean of their tensor: as if `priorRows` more
  /// rows had been seen in which all columns are alike. Tensors that were never read are unknown.
  runtime::WeightImportance importance() const;
  static constexpr double priorRows = 32;

private:
  /// Of the columns of a tensor.
  struct Sums {
    int64_t rows = 0;
    std::vector<double> squares;
    void add(const float *row);
  };
  Sums &sumsOf(std::string_view key, int64_t layer, int64_t expert, int64_t columns);
  void addTokens(const runtime::ObservedValue &seen, std::string_view key);
  void addChoices(const runtime::ObservedValue &seen, std::string_view key);

  std::map<std::string, Sums> sums; ///< by the tensor's key
  /// Of the layer that is running: the experts of each token, [rows][choices].
  std::vector<int32_t> experts;
  int64_t choices = 0;
};

} // namespace dsv3::cli
