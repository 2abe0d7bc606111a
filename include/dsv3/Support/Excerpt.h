//===- Excerpt.h - what was found, for a message ----------------*- C++ -*-===//
#pragma once

#include <string>
#include <string_view>

namespace dsv3 {

/// The begin of a text that a file or a person gave, as a message can show it: at most 60 bytes and
/// then "…", whole characters of UTF-8, with "?" for what is no character that can be printed.
std::string excerpt(std::string_view text);

} // namespace dsv3
