//===- Choices.h - names of which a flag takes one --------------*- C++ -*-===//
#pragma once

#include <algorithm>
#include <ranges>
#include <string>
#include <string_view>

namespace dsv3 {

/// "a, b or c".
template <std::ranges::bidirectional_range Names>
std::string choicesText(const Names &names) {
  std::string text;
  for (auto name = std::ranges::begin(names); name != std::ranges::end(names); ++name) {
    bool last = std::ranges::next(name) == std::ranges::end(names);
    text += text.empty() ? "" : last ? " or " : ", ";
    text += *name;
  }
  return text;
}

/// "expected a, b or c, found 'd'"; empty if `text` is one of them.
template <std::ranges::bidirectional_range Names>
std::string refuseOther(const Names &names, std::string_view text) {
  bool known = std::ranges::find(names, text) != std::ranges::end(names);
  return known ? "" : "expected " + choicesText(names) + ", found '" + std::string(text) + "'";
}

} // namespace dsv3
