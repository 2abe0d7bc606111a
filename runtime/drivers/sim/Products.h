//===- Products.h - what the tensor cores of a warp have to do --*- C++ -*-===//
//
// A warp's part of products of its warp group that were begun and not waited for. Sums are
// in the tensor cores from the first product on until their last one is waited for; in the
// meantime the threads find NaN in their place.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/sim/Tensor.h"

#include <memory>
#include <vector>

namespace dsv3::runtime::sim {

class WarpProducts {
public:
  /// Where each lane has its sums, of a product's columns.
  using Places = std::array<float *, 32>;

  /// Nothing was begun so far.
  void reset();
  /// Begins a product, at once if it is `early`. False if a thread wrote to sums that are in the
  /// tensor cores.
  [[nodiscard]] bool begin(const Places &places, const SliceProduct &product,
                           const std::byte *shared, bool early);
  void commit() { ++group; }
  /// Finishes all but the last `pending` groups; false as above.
  [[nodiscard]] bool finish(uint32_t pending, const std::byte *shared);

  bool underWay() const { return !sums.empty(); }
  /// The number of the group that products belong to now, from 1 on.
  uint32_t currentGroup() const { return group; }

  bool fenced = false; ///< by wgmma.fence, since the last wait

private:
  struct Sums {
    Places places;
    size_t ofLane; ///< sums
    SliceSums values;
    uint32_t lastGroup = 0;
  };
  struct Product {
    SliceProduct of;
    Sums *sums;
    uint32_t group;
  };
  /// The sums of so many columns at those places, taken from the threads if they are not in the
  /// tensor cores yet; null if a thread wrote to them.
  Sums *take(const Places &places, size_t columns);
  static void giveBack(Sums &of);

  std::vector<std::unique_ptr<Sums>> sums;
  std::vector<Product> late; ///< that are not computed
  uint32_t group = 1;
};

} // namespace dsv3::runtime::sim
