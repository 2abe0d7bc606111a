//===- ParameterReader.h - the rows of a weight -----------------*- C++ -*-===//
//
// The formula of plan::Segment: finds the elements of W[group, row, …] of a parameter
// of one layer in the tensors that its segments name, and encodes them where the plan wants
// other elements than there are. Knows no layouts.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/params/EncodedTensor.h"
#include "runtime/params/WeightImportance.h"

#include <functional>
#include <span>
#include <vector>

namespace dsv3::runtime {

/// The request for the tensor of a segment; `layer` and `group` fill its key.
TensorRequest requestOf(const plan::Plan &plan, const plan::Parameter &parameter,
                        const plan::Segment &segment, int64_t layer, int64_t group);

/// Calls visit(request) for every tensor of a parameter of one layer, segment by segment.
void forEachTensor(const plan::Plan &plan, const plan::Parameter &parameter, int64_t layer,
                   const std::function<void(const TensorRequest &)> &visit);

/// Immutable, so several threads may read it. The plan and the importance must outlive it.
class ParameterReader {
public:
  using Opener = std::function<std::unique_ptr<StoredTensor>(const TensorRequest &)>;

  /// Precondition: the plan is valid. `open` gives the tensors, in the order of
  /// forEachTensor, without fail. `importance` may be null.
  ParameterReader(const plan::Plan &plan, const plan::Parameter &parameter, int64_t layer,
                  const Opener &open, const WeightImportance *importance = nullptr);

  /// W[group, row + n, c] for n < to.size() and all columns c, row n in to[n]. `buffer` has room
  /// for as many rows; a row alone of a tensor that is mapped needs none. False if they cannot be
  /// had, which findDamage explains. Precondition, also of scales(): the parameter's codes are not
  /// scaled along rows.
  [[nodiscard]] bool rows(int64_t group, int64_t row, std::byte *buffer,
                          std::span<Elements> to) const;
  /// The scales of that row: one for each scaleColumns columns. Precondition: the
  /// parameter has scales, and `scales` has room for them.
  void scales(int64_t group, int64_t row, float *scales) const;
  /// The row of codes and scales that dsv3::encodeRow makes. False if it cannot.
  /// Precondition: the parameter's codes are scaled along rows.
  [[nodiscard]] bool encodedRow(int64_t group, int64_t row, std::span<uint8_t> codes,
                                std::span<float> scales) const;
  /// Says that `count` rows from `row` on were read. Rows that are columns of a tensor stay.
  void dropRows(int64_t group, int64_t row, int64_t count) const;
  /// The first tensor that is damaged (see StoredTensor) or cannot be encoded.
  Status findDamage() const;

private:
  struct Place {
    const plan::Segment *segment;
    const StoredTensor *tensor;
    const TensorRequest *request; ///< null where rows are not encoded
    int64_t row;                  ///< of the segment
    int64_t origin;               ///< in rows of the tensor
  };
  Place find(int64_t group, int64_t row) const;

  struct Piece {
    const plan::Segment *segment;
    int64_t firstRow;                                   ///< of the parameter
    std::vector<std::unique_ptr<StoredTensor>> tensors; ///< one, or one for each group
    std::vector<TensorRequest> requests = {};           ///< of the tensors, where rows are encoded
  };
  const WeightImportance *importance;
  const plan::Parameter *parameter;
  int64_t blockRows = 1, blockColumns = 1; ///< of the tensors, as they are or are encoded
  std::vector<Piece> pieces;
};

} // namespace dsv3::runtime
