//===- KeyMarks.h - what stands for numbers in keys of tensors --*- C++ -*-===//
//
// In keys of the checkpoint's list, of parameters and of plans. dsv3/Plan/Key.h puts the
// numbers in.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <string_view>

namespace dsv3 {

inline constexpr std::string_view layerMark = "{layer}", expertMark = "{expert}";

} // namespace dsv3
