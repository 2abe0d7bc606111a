//===- PreTokenizer.cpp - cutting text into words -------------------------===//

#include "runtime/tokenizer/PreTokenizer.h"

#include <algorithm>

namespace dsv3::text {

/// GPT-2's own pattern, which ByteLevel applies when `use_regex` is true.
static constexpr const char *gpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

static Expected<SplitBehavior> behaviorNamed(const std::string &name) {
  static constexpr std::pair<const char *, SplitBehavior> names[] = {
      {"Removed", SplitBehavior::Removed},
      {"Isolated", SplitBehavior::Isolated},
      {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
      {"MergedWithNext", SplitBehavior::MergedWithNext},
      {"Contiguous", SplitBehavior::Contiguous}};
  for (const auto &[known, behavior] : names) {
    if (name == known) {
      return behavior;
    }
  }
  return Failure{"`behavior` must be Removed, Isolated, MergedWithPrevious, MergedWithNext or "
                 "Contiguous, found `" +
                 name + "`"};
}

Status PreTokenizer::addSplit(const Json &json) {
  SplitStep step;
  Expected<std::string> behavior = stringField(json, "behavior", "Isolated");
  if (!behavior) {
    return behavior.status();
  }
  Expected<SplitBehavior> known = behaviorNamed(*behavior);
  Expected<bool> invert = boolField(json, "invert", false);
  if (!known || !invert) {
    return known ? invert.status() : known.status();
  }
  step.behavior = *known;
  step.invert = *invert;
  const Json *pattern = findField(json, "pattern");
  const Json *regex = pattern ? findField(*pattern, "Regex") : nullptr;
  const Json *literal = pattern ? findField(*pattern, "String") : nullptr;
  if (regex && regex->is_string()) {
    Expected<Regex> compiled = Regex::compile(regex->get<std::string>());
    if (!compiled) {
      return compiled.status();
    }
    step.regex = *std::move(compiled);
  } else if (literal && literal->is_string()) {
    step.literal = literal->get<std::string>();
  } else {
    return Failure{"the `pattern` of a Split must be {\"Regex\": text} or {\"String\": text}"};
  }
  steps.push_back(std::move(step));
  return {};
}

Status PreTokenizer::addByteLevel(const Json &json) {
  Expected<bool> prefixSpace = boolField(json, "add_prefix_space", true);
  Expected<bool> useRegex = boolField(json, "use_regex", true);
  if (!prefixSpace || !useRegex) {
    return prefixSpace ? useRegex.status() : prefixSpace.status();
  }
  SplitStep step;
  step.prefixSpace = *prefixSpace;
  if (*useRegex) {
    Expected<Regex> compiled = Regex::compile(gpt2Pattern);
    if (!compiled) {
      return compiled.status();
    }
    step.regex = *std::move(compiled);
  }
  byteLevel = true;
  if (*prefixSpace || *useRegex) {
    steps.push_back(std::move(step));
  }
  return {};
}

Status PreTokenizer::add(const Json &json) {
  if (byteLevel) {
    return Failure{"a step after ByteLevel", "", "ByteLevel must come last"};
  }
  Expected<std::string> type = stringField(json, "type", "");
  if (!type) {
    return type.status();
  }
  if (*type == "Split") {
    return addSplit(json);
  }
  if (*type == "ByteLevel") {
    return addByteLevel(json);
  }
  return Failure{"the step `" + *type + "` is not supported", "",
                 "known are Sequence, Split and ByteLevel"};
}

static Status inPreTokenizer(Failure failure) {
  failure.where = failure.where.empty() ? "pre_tokenizer" : "pre_tokenizer, " + failure.where;
  return failure;
}

Expected<PreTokenizer> PreTokenizer::fromJson(const Json &document) {
  PreTokenizer result;
  const Json *root = findField(document, "pre_tokenizer");
  if (!root) {
    return inPreTokenizer({"is absent, but byte-level BPE needs ByteLevel"});
  }
  Expected<std::string> type = stringField(*root, "type", "");
  if (!type) {
    return inPreTokenizer(type.failure());
  }
  if (*type != "Sequence") {
    if (Status status = result.add(*root); !status) {
      return inPreTokenizer(status.failure());
    }
  } else {
    const Json *list = findField(*root, "pretokenizers");
    if (!list || !list->is_array()) {
      return inPreTokenizer({"a Sequence must have a list `pretokenizers`"});
    }
    for (const Json &step : *list) {
      if (Status status = result.add(step); !status) {
        return inPreTokenizer(status.failure());
      }
    }
  }
  if (!result.byteLevel) {
    return inPreTokenizer({"has no step ByteLevel", "", "only byte-level BPE is supported"});
  }
  return result;
}

static void findLiteral(std::string_view text, std::string_view literal,
                        std::vector<Range> &matches) {
  if (literal.empty()) {
    return;
  }
  for (size_t at = text.find(literal); at != std::string_view::npos;
       at = text.find(literal, at + literal.size())) {
    matches.emplace_back(at, at + literal.size());
  }
}

namespace {
/// A piece of the text, and whether it is a match.
struct Piece {
  Range range;
  bool match;
};
} // namespace

/// Matches and what lies between them, covering the text.
static std::vector<Piece> cover(size_t size, const std::vector<Range> &matches, bool invert) {
  std::vector<Piece> pieces;
  size_t from = 0;
  for (Range match : matches) {
    if (match.first > from) {
      pieces.push_back({{from, match.first}, invert});
    }
    pieces.push_back({match, !invert});
    from = match.second;
  }
  if (from < size) {
    pieces.push_back({{from, size}, invert});
  }
  return pieces;
}

/// Joins or drops pieces as the behaviour says. `pieces` are in order.
static std::vector<Range> arrange(std::vector<Piece> pieces, SplitBehavior behavior) {
  std::vector<Range> result;
  // Merging with the next is merging with the previous, seen from the end.
  bool backwards = behavior == SplitBehavior::MergedWithNext;
  if (backwards) {
    std::reverse(pieces.begin(), pieces.end());
  }
  bool previousMatch = false;
  for (const Piece &piece : pieces) {
    bool join = !result.empty();
    switch (behavior) {
    case SplitBehavior::Removed:
      if (piece.match) {
        continue;
      }
      join = false;
      break;
    case SplitBehavior::Isolated:
      join = false;
      break;
    case SplitBehavior::MergedWithPrevious:
    case SplitBehavior::MergedWithNext:
      join = join && piece.match && !previousMatch;
      break;
    case SplitBehavior::Contiguous:
      join = join && piece.match == previousMatch;
      break;
    }
    previousMatch = piece.match;
    if (!join) {
      result.push_back(piece.range);
    } else if (backwards) {
      result.back().first = piece.range.first;
    } else {
      result.back().second = piece.range.second;
    }
  }
  if (backwards) {
    std::reverse(result.begin(), result.end());
  }
  return result;
}

Expected<std::vector<std::string>> PreTokenizer::split(std::string_view text) const {
  // Two texts side by side: the true one, and the one that patterns see. They
  // have the same length, so ranges of one are ranges of the other.
  std::string truth(text), seen = withStandIns(text);
  std::vector<Range> pieces = {{0, truth.size()}}, next, matches;
  for (const SplitStep &step : steps) {
    if (step.prefixSpace) {
      std::string spacedTruth, spacedSeen;
      for (Range &piece : pieces) {
        size_t start = spacedTruth.size(), length = piece.second - piece.first;
        if (length != 0 && truth[piece.first] != ' ') {
          spacedTruth += ' ';
          spacedSeen += ' ';
        }
        spacedTruth.append(truth, piece.first, length);
        spacedSeen.append(seen, piece.first, length);
        piece = {start, spacedTruth.size()};
      }
      truth = std::move(spacedTruth);
      seen = std::move(spacedSeen);
    }
    if (!step.regex && step.literal.empty()) {
      continue;
    }
    next.clear();
    for (Range piece : pieces) {
      matches.clear();
      std::string_view slice =
          std::string_view(seen).substr(piece.first, piece.second - piece.first);
      if (step.regex) {
        if (Status status = step.regex->findAll(slice, matches); !status) {
          return status;
        }
      } else {
        findLiteral(std::string_view(truth).substr(piece.first, slice.size()), step.literal,
                    matches);
      }
      for (Range range : arrange(cover(slice.size(), matches, step.invert), step.behavior)) {
        if (range.first != range.second) {
          next.emplace_back(piece.first + range.first, piece.first + range.second);
        }
      }
    }
    pieces.swap(next);
  }
  std::vector<std::string> words;
  words.reserve(pieces.size());
  for (Range piece : pieces) {
    if (piece.first != piece.second) {
      words.push_back(truth.substr(piece.first, piece.second - piece.first));
    }
  }
  return words;
}

} // namespace dsv3::text
