//===- PackJob.h - packing on several threads -------------------*- C++ -*-===//
//
// A list of parameters of layers that are to be packed, done unit by unit by a few
// ordinary threads. The result does not depend on their number.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/params/Pack.h"
#include "runtime/params/ParameterStore.h"

#include <functional>
#include <span>
#include <vector>

namespace dsv3::runtime {

/// One parameter of one layer. Memory and plan belong to others.
struct PackItem {
  const Packer *packer = nullptr;
  ParameterReader reader;
  std::span<std::byte> data;
  std::span<std::byte> scales;
  WeightPlace place = {}, scalePlace = {}; ///< of both, for whoever takes them away
  std::vector<const checkpoint::TensorInfo *> tensors = {}; ///< that it reads, if any
};

/// Packs all items, those first in the list first. `whenDone(item)` is called once for
/// each when it is packed, by any thread. Fails if values are not sound (naming the tensor)
/// or when interrupted; then the memory holds part of the weights.
/// What is packed goes to `options.take`, where there is one.
Status packItems(std::span<const PackItem> items, const LoadOptions &options,
                 const std::function<void(const PackItem &)> &whenDone);

} // namespace dsv3::runtime
