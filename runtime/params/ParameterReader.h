//===- ParameterReader.h - the rows of a weight -----------------*- C++ -*-===//
//
// The formula of plan::Segment: finds the elements of W[group, row, …] of a parameter
// of one layer in the tensors that its segments name. Knows no layouts.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/params/StoredTensor.h"

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

/// Immutable, so several threads may read it. The plan must outlive it.
class ParameterReader {
public:
  using Opener = std::function<std::unique_ptr<StoredTensor>(const TensorRequest &)>;

  /// Precondition: the plan is valid. `open` gives the tensors, in the order of
  /// forEachTensor, without fail.
  ParameterReader(const plan::Plan &plan, const plan::Parameter &parameter, int64_t layer,
                  const Opener &open);

  /// W[group, row, c] for all columns c. `buffer` has room for a row.
  Elements row(int64_t group, int64_t row, std::byte *buffer) const;
  /// The scales of that row: one for each scaleColumns columns. Precondition: the
  /// parameter has scales, and `scales` has room for them.
  void scales(int64_t group, int64_t row, float *scales) const;
  /// See StoredTensor; the first tensor that is damaged.
  Status findDamage() const;

private:
  struct Place {
    const plan::Segment *segment;
    const StoredTensor *tensor;
    int64_t row;    ///< of the segment
    int64_t origin; ///< in rows of the tensor
  };
  Place find(int64_t group, int64_t row) const;

  struct Piece {
    const plan::Segment *segment;
    int64_t firstRow;                                   ///< of the parameter
    std::vector<std::unique_ptr<StoredTensor>> tensors; ///< one, or one for each group
  };
  const plan::Parameter *parameter;
  int64_t blockRows = 1, blockColumns = 1;
  std::vector<Piece> pieces;
};

} // namespace dsv3::runtime
