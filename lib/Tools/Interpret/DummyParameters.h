//===- DummyParameters.h - made-up weights, as doubles ----------*- C++ -*-===//
#pragma once

#include "dsv3/Reference/Interpreter.h"

#include <array>
#include <cstdint>

namespace dsv3::interpret {

/// The values that dsv3-run makes up from the same seed (runtime::dummyTensor). `block` is
/// the block of scales of the checkpoint that there is not.
reference::ParameterSource dummyParameters(uint64_t seed, std::array<int64_t, 2> block);

} // namespace dsv3::interpret
