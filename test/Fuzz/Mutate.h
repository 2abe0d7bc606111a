//===- Mutate.h - inputs near a seed ----------------------------*- C++ -*-===//
#pragma once

#include "dsv3/Support/RandomNumbers.h"

#include <span>
#include <string>

namespace dsv3::fuzz {

/// One of `seeds`, damaged in one to four ways: bits flipped, pieces cut, doubled, moved
/// or taken from another seed, numbers replaced. Depends on `random` alone.
/// Precondition: !seeds.empty().
std::string mutate(std::span<const std::string> seeds, RandomNumbers &random);

} // namespace dsv3::fuzz
