//===- StoredTensor.h - one tensor that weights are read from ---*- C++ -*-===//
//
// A matrix F [rows, columns] of weights with its block scales, wherever its values
// come from: a mapped checkpoint, or made up from a seed. A tensor of one dimension
// is a matrix of one row.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Plan/Plan.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace dsv3::runtime {

/// Elements in memory: element i begins i × stride elements after `first`, which need
/// not be aligned. Does not own them.
struct Elements {
  const std::byte *first = nullptr;
  int64_t stride = 1;
};

/// Immutable, so several threads may read it.
class StoredTensor {
public:
  virtual ~StoredTensor() = default;

  /// F[row, i] for i < count. `buffer` has room for `count` elements; the result points
  /// into it or into memory of the tensor. Nothing if they are made of values that no model has,
  /// which findDamage explains.
  [[nodiscard]] virtual std::optional<Elements> alongRow(int64_t row, int64_t count,
                                                         std::byte *buffer) const = 0;
  /// F[row + n, i] for n < rows.size() and i < count, row n in rows[n]; `buffer` has room for all,
  /// `rowBytes` each. False if they cannot be had, which findDamage explains.
  [[nodiscard]] virtual bool alongRows(int64_t row, int64_t count, std::byte *buffer,
                                       int64_t rowBytes, std::span<Elements> rows) const {
    for (size_t n = 0; n < rows.size(); ++n) {
      std::optional<Elements> elements =
          alongRow(row + int64_t(n), count, buffer + int64_t(n) * rowBytes);
      if (!elements) {
        return false;
      }
      rows[n] = *elements;
    }
    return true;
  }
  /// F[row + i, column] for i < count, likewise.
  [[nodiscard]] virtual std::optional<Elements>
  downColumn(int64_t row, int64_t column, int64_t count, std::byte *buffer) const = 0;
  /// The scale of a block of the checkpoint, no number where its values are no model's.
  /// Precondition: the tensor has scales.
  virtual float scale(int64_t blockRow, int64_t blockColumn) const = 0;
  /// Says that these rows were read: where they were used in mapped memory, as rows that are
  /// encoded and a row alone are, it is given back. They can be read again, which takes longer.
  virtual void dropRows(int64_t /*row*/, int64_t /*count*/) const {}
  /// Which tensor cannot be read any more, or holds values that no model has: NaN codes or
  /// other NaN or infinity, scales that are not finite or negative. Success if all are sound.
  virtual Status findDamage() const = 0;
};

/// What a parameter expects of a tensor.
struct TensorRequest {
  std::string key;
  std::string scaleKey; ///< empty if there are no scales
  DType type = DType::F32;
  int64_t rows = 0;
  int64_t columns = 0;                     ///< 0: one dimension
  int64_t blockRows = 1, blockColumns = 1; ///< of the checkpoint's scales
};

/// A tensor of a mapped checkpoint. `data` and `scales` (null without scales) were
/// checked against the request (findMismatches). The checkpoint must outlive it.
std::unique_ptr<StoredTensor> checkpointTensor(const checkpoint::Checkpoint &checkpoint,
                                               const checkpoint::TensorInfo &data,
                                               const checkpoint::TensorInfo *scales);

/// Raised by whoever changes the values that dummyTensor makes, so that those kept in a file are
/// made again.
inline constexpr int dummyRevision = 2;

/// A tensor of made-up values: matrices have mean 0 and standard deviation near
/// 1/√columns, vectors (norms) lie between 1 and 1.125. Values depend on seed, key and
/// place only, so parameters that share a tensor agree.
std::unique_ptr<StoredTensor> dummyTensor(const TensorRequest &request, uint64_t seed);

} // namespace dsv3::runtime
