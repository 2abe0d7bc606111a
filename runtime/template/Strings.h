//===- Strings.h - string operations that several parts use -----*- C++ -*-===//
//
// Replacing, padding and splitting, with the origin of each character kept.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Value.h"

#include <vector>

namespace dsv3::text::jinja {

/// str.replace; at most `limit` replacements unless it is negative.
Text replaceAll(Runtime &runtime, const Text &text, const Text &from, const Text &to,
                int64_t limit);

/// `text` filled up to `width` characters; `align` is '<', '>' or '^'.
Text padded(Runtime &runtime, const Text &text, int64_t width, const Text &fill, char align);

/// str.splitlines.
std::vector<Text> linesOf(const Text &text, bool keepEnds);

/// str.split() without a separator: words between white space. At most `limit`
/// splits unless it is negative.
std::vector<Text> wordsOf(const Text &text, int64_t limit);

} // namespace dsv3::text::jinja
