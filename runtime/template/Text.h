//===- Text.h - a string that remembers who wrote it ------------*- C++ -*-===//
//
// Text within a template: bytes, and for each byte whether it comes from the
// checkpoint (trusted) or from messages, tools and other data. Every operation
// on strings keeps this apart; where an origin is in doubt, the text is
// untrusted.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/tokenizer/Segment.h"

#include <string>
#include <string_view>
#include <vector>

namespace dsv3::text::jinja {

/// Owned by value. Equality looks at the bytes only.
class Text {
public:
  Text() = default;
  Text(std::string_view bytes, bool trusted) { append(bytes, trusted); }

  const std::string &str() const { return bytes; }
  size_t size() const { return bytes.size(); }
  bool empty() const { return bytes.empty(); }
  /// Number of stretches of one origin.
  size_t runCount() const { return runs.size(); }

  void append(std::string_view more, bool trusted);
  void append(const Text &more);
  /// Appends the bytes [begin, end) of `more`.
  void append(const Text &more, size_t begin, size_t end);
  /// The bytes [begin, end).
  Text slice(size_t begin, size_t end) const;
  /// Whether the byte at `at` is trusted. Precondition: at < size().
  bool trustedAt(size_t at) const;

  /// The stretches of one origin, in order.
  std::vector<Segment> segments() const;

private:
  struct Run {
    size_t end;
    bool trusted;
  };
  /// Index of the run that holds the byte `at`.
  size_t runOf(size_t at) const;

  std::string bytes;
  /// Neighbours differ in `trusted`; the last ends at size().
  std::vector<Run> runs;
};

} // namespace dsv3::text::jinja
