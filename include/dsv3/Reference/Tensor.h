//===- Tensor.h - values of the reference interpreter -----------*- C++ -*-===//
//
// A tensor of any element type, kept as doubles: plain, and exact for every type
// that the model has. Copies share their elements.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cassert>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <vector>

namespace dsv3::reference {

class Tensor {
public:
  Tensor() = default;
  explicit Tensor(std::vector<int64_t> shape)
      : dims(std::move(shape)),
        elements(std::make_shared<std::vector<double>>(static_cast<size_t>(count(dims)))) {}

  const std::vector<int64_t> &shape() const { return dims; }
  int64_t size() const { return count(dims); }
  /// The first dimension, and the elements of each of its rows.
  int64_t rows() const { return dims.empty() ? 1 : dims[0]; }
  int64_t columns() const { return rows() == 0 ? 0 : size() / rows(); }
  int64_t dim(size_t index) const { return dims[index]; }

  double *data() { return elements->data(); }
  const double *data() const { return elements->data(); }
  double *row(int64_t index) { return data() + index * columns(); }
  const double *row(int64_t index) const { return data() + index * columns(); }
  double &operator[](int64_t index) { return (*elements)[static_cast<size_t>(index)]; }
  double operator[](int64_t index) const { return (*elements)[static_cast<size_t>(index)]; }

  /// The same elements in another shape of as many.
  Tensor reshaped(std::vector<int64_t> shape) const {
    Tensor result = *this;
    assert(count(shape) == size() && "a reshape keeps the number of elements");
    result.dims = std::move(shape);
    return result;
  }

private:
  static int64_t count(const std::vector<int64_t> &shape) {
    return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
  }

  std::vector<int64_t> dims;
  std::shared_ptr<std::vector<double>> elements;
};

} // namespace dsv3::reference
