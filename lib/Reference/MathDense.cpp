//===- MathDense.cpp - products, norms, rotations -------------------------===//
#include "Math.h"

#include <cmath>

namespace dsv3::reference {

Tensor expandWeight(const WeightView &weight, Precision precision) {
  if (!weight.scales) {
    return *weight.data;
  }
  const std::vector<int64_t> &shape = weight.data->shape();
  int64_t columns = shape.back(), rows = shape[shape.size() - 2];
  int64_t groups = weight.data->size() / (rows * columns);
  int64_t blocksDown = (rows + weight.blockRows - 1) / weight.blockRows;
  int64_t blocksAcross = (columns + weight.blockColumns - 1) / weight.blockColumns;
  Tensor result(shape);
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t r = 0; r < rows; ++r) {
      int64_t base = (g * blocksDown + r / weight.blockRows) * blocksAcross;
      for (int64_t c = 0; c < columns; ++c) {
        int64_t index = (g * rows + r) * columns + c;
        double value = (*weight.data)[index] * (*weight.scales)[base + c / weight.blockColumns];
        result[index] =
            precision == Precision::F32 ? static_cast<double>(static_cast<float>(value)) : value;
      }
    }
  }
  return result;
}

double dot(const double *x, const double *w, int64_t n) {
  double sums[4] = {0, 0, 0, 0};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (int lane = 0; lane < 4; ++lane) {
      sums[lane] += x[i + lane] * w[i + lane];
    }
  }
  for (; i < n; ++i) {
    sums[0] += x[i] * w[i];
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

Tensor product(const Tensor &x, const Tensor &weight) {
  int64_t n = weight.dim(0), k = weight.dim(1);
  Tensor result({x.rows(), n});
  for (int64_t t = 0; t < x.rows(); ++t) {
    for (int64_t i = 0; i < n; ++i) {
      result[t * n + i] = dot(x.row(t), weight.row(i), k);
    }
  }
  return result;
}

Tensor headProduct(const Tensor &x, const Tensor &weight) {
  int64_t heads = weight.dim(0), n = weight.dim(1), k = weight.dim(2);
  Tensor result({x.rows(), heads, n});
  for (int64_t t = 0; t < x.rows(); ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < n; ++i) {
        result[(t * heads + h) * n + i] = dot(x.row(t) + h * k, weight.data() + (h * n + i) * k, k);
      }
    }
  }
  return result;
}

Tensor groupedProduct(const Tensor &x, const Tensor &offsets, const Tensor *rows,
                      const Tensor &weight, int64_t entries) {
  int64_t experts = weight.dim(0), n = weight.dim(1), k = weight.dim(2);
  Tensor result({entries, n});
  for (int64_t e = 0; e < experts; ++e) {
    for (auto i = static_cast<int64_t>(offsets[e]); i < static_cast<int64_t>(offsets[e + 1]); ++i) {
      const double *a = x.row(rows ? static_cast<int64_t>((*rows)[i]) : i);
      for (int64_t j = 0; j < n; ++j) {
        result[i * n + j] = dot(a, weight.data() + (e * n + j) * k, k);
      }
    }
  }
  return result;
}

Tensor rmsNorm(const Tensor &x, const Tensor &weight, double eps) {
  int64_t n = x.columns();
  Tensor result(x.shape());
  for (int64_t t = 0; t < x.rows(); ++t) {
    double scale = 1.0 / std::sqrt(dot(x.row(t), x.row(t), n) / static_cast<double>(n) + eps);
    for (int64_t i = 0; i < n; ++i) {
      result[t * n + i] = x.row(t)[i] * scale * weight[i];
    }
  }
  return result;
}

Tensor siluMul(const Tensor &gateUp) {
  int64_t n = gateUp.columns() / 2;
  Tensor result({gateUp.rows(), n});
  for (int64_t t = 0; t < gateUp.rows(); ++t) {
    for (int64_t i = 0; i < n; ++i) {
      double gate = gateUp.row(t)[i];
      result[t * n + i] = gate / (1.0 + std::exp(-gate)) * gateUp.row(t)[n + i];
    }
  }
  return result;
}

Tensor rope(const Tensor &x, const Tensor &cos, const Tensor &sin) {
  int64_t pairs = cos.columns(), heads = x.columns() / (2 * pairs);
  Tensor result(x.shape());
  for (int64_t t = 0; t < x.rows(); ++t) {
    for (int64_t h = 0; h < heads; ++h) {
      const double *from = x.row(t) + h * 2 * pairs;
      double *to = result.row(t) + h * 2 * pairs;
      for (int64_t i = 0; i < pairs; ++i) {
        double c = cos.row(t)[i], s = sin.row(t)[i];
        to[2 * i] = from[2 * i] * c - from[2 * i + 1] * s;
        to[2 * i + 1] = from[2 * i] * s + from[2 * i + 1] * c;
      }
    }
  }
  return result;
}

std::pair<Tensor, Tensor> ropeTable(const Tensor &positions, llvm::ArrayRef<float> frequencies,
                                    float multiplier) {
  auto pairs = static_cast<int64_t>(frequencies.size());
  Tensor cos({positions.rows(), pairs}), sin({positions.rows(), pairs});
  for (int64_t t = 0; t < positions.rows(); ++t) {
    for (int64_t i = 0; i < pairs; ++i) {
      float angle = static_cast<float>(positions[t]) * frequencies[static_cast<size_t>(i)];
      cos[t * pairs + i] = std::cos(static_cast<double>(angle)) * multiplier;
      sin[t * pairs + i] = std::sin(static_cast<double>(angle)) * multiplier;
    }
  }
  return {cos, sin};
}

} // namespace dsv3::reference
