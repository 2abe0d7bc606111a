//===- Key.h - keys of tensors with a layer and an expert -------*- C++ -*-===//
//
// The one place that knows how a key of a segment names the tensors of a layer
// and of an expert. Compiler, reference interpreter and runtime call it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/KeyMarks.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace dsv3::plan {

/// Whether each layer, or each group, has a tensor of its own.
inline bool namesLayer(std::string_view key) { return key.find(layerMark) != key.npos; }
inline bool namesExpert(std::string_view key) { return key.find(expertMark) != key.npos; }

/// `key` with the marks replaced by the numbers.
std::string expandKey(std::string_view key, int64_t layer, int64_t group);

} // namespace dsv3::plan
