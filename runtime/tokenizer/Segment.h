//===- Segment.h - text and where it comes from -----------------*- C++ -*-===//
//
// What passes from the chat templates to the tokenizer: pieces of text that say
// whether their author is the checkpoint (its template, its BOS and EOS) or a
// user. Only the former may contain special tokens.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <string>

namespace dsv3::text {

/// A piece of text of one origin.
struct Segment {
  std::string text;
  /// True if the text comes from the checkpoint: added tokens are parsed in it.
  bool trusted = false;

  bool operator==(const Segment &) const = default;
};

} // namespace dsv3::text
