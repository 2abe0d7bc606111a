//===- EncodedTensor.h - what a stored tensor means, in other elements ----===//
//
// The values of a stored tensor as f32, and a stored tensor with those values rounded to
// bf16 or coded as e4m3, in the place of the one that there is. How values are coded is
// said in dsv3/Support/WeightEncoding.h.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/params/StoredTensor.h"

#include <span>

namespace dsv3::runtime {

/// The values of a tensor: code × scale, rounded to f32, where it is FP8. The tensor and the
/// request that opened it must outlive it.
class TensorValues {
public:
  TensorValues(const StoredTensor &tensor, const TensorRequest &request)
      : tensor(tensor), request(request) {}

  /// F[row, i] for all i of `values`. False if codes are NaN or scales are none that a model has
  /// (StoredTensor::findDamage).
  [[nodiscard]] bool alongRow(int64_t row, std::span<float> values) const;
  /// F[row + i, column] likewise.
  [[nodiscard]] bool downColumn(int64_t row, int64_t column, std::span<float> values) const;

private:
  /// Widens `elements` and multiplies by scales: those of blocks of `perBlock` values, the first of
  /// which begins at index `first` along the way.
  template <typename ScaleOf>
  bool decode(std::optional<Elements> elements, std::span<float> values, int64_t first,
              int64_t perBlock, ScaleOf scaleOf) const;

  const StoredTensor &tensor;
  const TensorRequest &request;
};

/// `source`, which was opened by `request`, in elements of `type`, bf16 or f8E4M3FN. Its damage
/// is that of the source, and values that are not finite where it has codes. Precondition: the
/// request is for a matrix.
std::unique_ptr<StoredTensor> encodedTensor(std::unique_ptr<StoredTensor> source,
                                            const TensorRequest &request, DType type);

/// Fails, naming the tensor, if it holds a value that cannot be coded as `type`.
Status findUncodable(const StoredTensor &tensor, const TensorRequest &request, DType type);

} // namespace dsv3::runtime
