//===- Regex.h - Oniguruma's patterns, run by PCRE2 -------------*- C++ -*-===//
//
// The patterns of a tokenizer.json are written for Oniguruma in Ruby syntax.
// This wrapper rewrites what PCRE2 spells or means otherwise, and refuses by
// name what it cannot express. Matching works on valid UTF-8 only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace dsv3::text {

/// Byte offsets of a piece of text: first and one past the last.
using Range = std::pair<size_t, size_t>;

/// A compiled pattern. Immutable and safe to use from several threads; copies
/// share the compiled code.
class Regex {
public:
  static Expected<Regex> compile(const std::string &pattern);

  /// Appends the non-overlapping matches within `text` to `matches`, in order.
  /// `text` is searched as if nothing stood before or after it. Fails if the
  /// pattern needs more steps than any sensible pattern does.
  Status findAll(std::string_view text, std::vector<Range> &matches) const;

  /// The pattern as the file has it.
  const std::string &pattern() const { return source; }

private:
  Regex() = default;

  std::string source;
  /// A pcre2_code, whose type stays within Regex.cpp.
  std::shared_ptr<void> code;
};

/// Oniguruma's pattern in PCRE2's syntax.
Expected<std::string> translatePattern(std::string_view pattern);

/// `text` with each character that PCRE2's tables classify otherwise than
/// Oniguruma's replaced by one of the same class and the same length in bytes.
/// To be matched against, never to be shown. Precondition: valid UTF-8.
std::string withStandIns(std::string_view text);

} // namespace dsv3::text
