//===- InPlaceWeights.h - weights that stay where they are ------*- C++ -*-===//
//
// The tables of addresses by which kernels read parameters in place (plan::LayoutKind::InPlace):
// rows of a mapped checkpoint, or rows of memory that were made up.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Plan/Plan.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace dsv3::runtime {

/// Immutable once filled; several threads may read it. Owns the tables, not the rows.
class InPlaceWeights {
public:
  InPlaceWeights() = default;
  InPlaceWeights(const plan::Plan &plan, size_t variant);

  /// Parameters of layers that are in place, as fill() and table() name them.
  struct Item {
    size_t parameter = 0;
    int64_t layer = -1; ///< of the parameter's layers; -1 if it has none
  };
  const std::vector<Item> &items() const { return all; }
  /// Enters where the rows of an item are: `rowAt(group, row)` is the first of those of a panel.
  void fill(const Item &item,
            const std::function<const std::byte *(int64_t group, int64_t row)> &rowAt);
  /// Enters all items, whose rows the mapped checkpoint has: the plan's tensors were compared with
  /// its own (findMismatches).
  void point(const plan::Plan &plan, const checkpoint::Checkpoint &checkpoint);
  /// The table of an item, null of a parameter that is not in place.
  const std::byte *table(size_t parameter, int64_t layer) const;

private:
  struct Place {
    std::vector<int64_t> layers;                     ///< of the parameter
    std::vector<std::pair<int64_t, int64_t>> panels; ///< group and first row of each
    std::vector<const std::byte *> addresses;        ///< [layers][panels]
  };
  static size_t indexOf(const Place &place, int64_t layer);

  std::vector<Place> places; ///< by parameter; without panels where it is not in place
  std::vector<Item> all;
};

} // namespace dsv3::runtime
