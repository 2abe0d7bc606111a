//===- PreTokenizer.h - cutting text into words -----------------*- C++ -*-===//
//
// The `pre_tokenizer` of a tokenizer.json: splits by patterns, one after the
// other, each applied to the pieces that the one before left, and at the end
// byte level. Merges never cross the borders of a piece.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/tokenizer/JsonFields.h"
#include "runtime/tokenizer/Regex.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::text {

/// What becomes of the matches of a split.
enum class SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

/// One split of the text.
struct SplitStep {
  /// The pattern, or, if absent, `literal`.
  std::optional<Regex> regex;
  std::string literal;
  SplitBehavior behavior = SplitBehavior::Isolated;
  /// What lies between the matches counts as match.
  bool invert = false;
  /// A space is put before each piece that does not start with one.
  bool prefixSpace = false;
};

/// Immutable after reading; safe to use from several threads.
class PreTokenizer {
public:
  /// Reads the field `pre_tokenizer`. Refuses by name what this class lacks.
  static Expected<PreTokenizer> fromJson(const Json &document);

  /// The words of `text`, in order. Precondition: valid UTF-8. The words are
  /// slices of `text` unless a prefix space had to be put in.
  Expected<std::vector<std::string>> split(std::string_view text) const;

private:
  Status add(const Json &step);
  Status addSplit(const Json &step);
  Status addByteLevel(const Json &step);

  std::vector<SplitStep> steps;
  bool byteLevel = false;
};

} // namespace dsv3::text
