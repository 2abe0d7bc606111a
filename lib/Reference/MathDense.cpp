//===- MathDense.cpp - products, norms, rotations -------------------------===//
#include "Math.h"

#include "mlir/IR/Threading.h"

#include <algorithm>
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
        const double *scale =
            weight.scales->data() + (base + c / weight.blockColumns) * weight.scaleNumbers;
        double value = (*weight.data)[index] * scale[0] + (weight.scaleNumbers > 1 ? scale[1] : 0);
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

std::pair<Tensor, Tensor> quantiseF8(const Tensor &x, int64_t group, bool ue8m0) {
  int64_t n = x.columns(), groups = (n + group - 1) / group;
  Tensor codes(x.shape()), scales({x.rows(), groups});
  for (int64_t t = 0; t < x.rows(); ++t) {
    for (int64_t g = 0; g < groups; ++g) {
      double largest = 1e-4;
      for (int64_t i = g * group; i < std::min(n, (g + 1) * group); ++i) {
        largest = std::max(largest, std::fabs(x.row(t)[i]));
      }
      auto scale = static_cast<float>(largest) / 448.0F;
      if (ue8m0) {
        int exponent = 0; // of a number in [1/2, 1)
        bool isPower = std::frexp(scale, &exponent) == 0.5F;
        scale = std::ldexp(1.0F, exponent - (isPower ? 1 : 0));
      }
      scales[t * groups + g] = scale;
      for (int64_t i = g * group; i < std::min(n, (g + 1) * group); ++i) {
        codes[t * n + i] = static_cast<float>(x.row(t)[i]) / scale;
      }
    }
  }
  return {codes, scales};
}

std::pair<Tensor, Tensor> quantiseI8(const Tensor &x, int64_t group) {
  int64_t n = x.columns(), groups = (n + group - 1) / group;
  Tensor codes(x.shape()), scales({x.rows(), groups});
  for (int64_t t = 0; t < x.rows(); ++t) {
    for (int64_t g = 0; g < groups; ++g) {
      float largest = 1e-30F;
      for (int64_t i = g * group; i < std::min(n, (g + 1) * group); ++i) {
        float magnitude = std::fabs(static_cast<float>(x.row(t)[i]));
        largest = magnitude > largest || std::isnan(magnitude) ? magnitude : largest;
      }
      float scale = largest / 127.0F, inverse = 1.0F / scale;
      scales[t * groups + g] = scale;
      for (int64_t i = g * group; i < std::min(n, (g + 1) * group); ++i) {
        float code = std::nearbyint(static_cast<float>(x.row(t)[i]) * inverse);
        // Beside what is infinite or no number a code does not matter.
        codes[t * n + i] = std::fmin(std::fmax(code, -127.0F), 127.0F);
      }
    }
  }
  return {codes, scales};
}

void parallel(mlir::MLIRContext *context, int64_t count, llvm::function_ref<void(int64_t)> body) {
  int64_t runs = std::min<int64_t>(count, 8 * static_cast<int64_t>(context->getNumThreads()));
  mlir::parallelFor(context, 0, static_cast<size_t>(runs), [&](size_t index) {
    auto run = static_cast<int64_t>(index);
    for (int64_t i = run * count / runs; i < (run + 1) * count / runs; ++i) {
      body(i);
    }
  });
}

Tensor product(mlir::MLIRContext *context, const Tensor &x, const Tensor &weight) {
  int64_t n = weight.dim(0), k = weight.dim(1);
  Tensor result({x.rows(), n});
  parallel(context, n, [&](int64_t i) {
    for (int64_t t = 0; t < x.rows(); ++t) {
      result[t * n + i] = dot(x.row(t), weight.row(i), k);
    }
  });
  return result;
}

Tensor headProduct(mlir::MLIRContext *context, const Tensor &x, const Tensor &weight) {
  int64_t heads = weight.dim(0), n = weight.dim(1), k = weight.dim(2);
  Tensor result({x.rows(), heads, n});
  parallel(context, heads * n, [&](int64_t i) {
    const double *w = weight.data() + i * k;
    for (int64_t t = 0; t < x.rows(); ++t) {
      result[t * heads * n + i] = dot(x.row(t) + i / n * k, w, k);
    }
  });
  return result;
}

Tensor groupedProduct(mlir::MLIRContext *context, const Tensor &x, const Tensor &offsets,
                      const Tensor *rows, const Tensor &weight, int64_t entries) {
  int64_t experts = weight.dim(0), n = weight.dim(1), k = weight.dim(2);
  Tensor result({entries, n});
  parallel(context, experts * n, [&](int64_t at) {
    int64_t e = at / n, j = at % n;
    for (auto i = static_cast<int64_t>(offsets[e]); i < static_cast<int64_t>(offsets[e + 1]); ++i) {
      const double *a = x.row(rows ? static_cast<int64_t>((*rows)[i]) : i);
      result[i * n + j] = dot(a, weight.data() + at * k, k);
    }
  });
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
