//===- Products.cpp - what the tensor cores of a warp have to do ----------===//

#include "runtime/drivers/sim/Products.h"

#include <algorithm>
#include <bit>

using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

/// NaN, which threads find while their sums are in the tensor cores.
static constexpr uint32_t elsewhere = ~uint32_t(0);

/// Row and column of sum `i` of a lane: PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk16",
/// within the warp's 16 rows.
static float &sumOf(SliceSums &sums, size_t lane, size_t i) {
  return sums[lane / 4 + i / 2 % 2 * 8][i / 4 * 8 + lane % 4 * 2 + i % 2];
}

/// Whether no thread wrote to the places of sums that are in the tensor cores.
static bool areUntouched(const WarpProducts::Places &places, size_t ofLane) {
  return std::ranges::all_of(places, [&](const float *of) {
    return std::all_of(of, of + ofLane,
                       [](float sum) { return std::bit_cast<uint32_t>(sum) == elsewhere; });
  });
}

void WarpProducts::reset() {
  sums.clear();
  late.clear();
  group = 1;
  fenced = false;
}

WarpProducts::Sums *WarpProducts::take(const Places &places, size_t columns) {
  for (const auto &known : sums) {
    if (known->places == places) {
      return areUntouched(places, known->ofLane) ? known.get() : nullptr;
    }
  }
  auto taken = std::make_unique<Sums>();
  taken->places = places;
  taken->ofLane = columns * sliceRows / places.size();
  for (size_t lane = 0; lane < places.size(); ++lane) {
    for (size_t i = 0; i < taken->ofLane; ++i) {
      sumOf(taken->values, lane, i) = places[lane][i];
      places[lane][i] = std::bit_cast<float>(elsewhere);
    }
  }
  return sums.emplace_back(std::move(taken)).get();
}

void WarpProducts::giveBack(Sums &of) {
  for (size_t lane = 0; lane < of.places.size(); ++lane) {
    for (size_t i = 0; i < of.ofLane; ++i) {
      of.places[lane][i] = sumOf(of.values, lane, i);
    }
  }
}

bool WarpProducts::begin(const Places &places, const SliceProduct &product, const std::byte *shared,
                         bool early) {
  Sums *of = take(places, product.columns);
  if (!of) {
    return false;
  }
  of->lastGroup = group;
  // Products on the same sums are summed in their order.
  bool inOrder = std::ranges::none_of(late, [&](const Product &one) { return one.sums == of; });
  if (early && inOrder) {
    multiplySlice(shared, product, of->values);
  } else {
    late.push_back({product, of, group});
  }
  return true;
}

bool WarpProducts::finish(uint32_t pending, const std::byte *shared) {
  auto isDue = [&](uint32_t of) { return of + pending < group; };
  auto unfinished = late.begin();
  for (; unfinished != late.end() && isDue(unfinished->group); ++unfinished) {
    multiplySlice(shared, unfinished->of, unfinished->sums->values);
  }
  late.erase(late.begin(), unfinished);
  bool untouched = true;
  for (const auto &of : sums) {
    if (isDue(of->lastGroup)) {
      untouched &= areUntouched(of->places, of->ofLane);
      giveBack(*of);
    }
  }
  std::erase_if(sums, [&](const auto &of) { return isDue(of->lastGroup); });
  fenced = false;
  return untouched;
}
