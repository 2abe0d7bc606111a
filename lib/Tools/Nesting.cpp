//===- Nesting.cpp - how deep .mlir text may be nested --------------------===//
//
// A scan of the text before it is parsed. It knows strings, comments and arrows, and takes
// what it does not know for no bracket: a `<` that compares, say, is forgotten at the next
// bracket of another kind that closes.
//
//===----------------------------------------------------------------------===//
#include "Nesting.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

#include <algorithm>
#include <cstdint>

using llvm::StringRef;

namespace dsv3 {
namespace {

/// Of everything that nests. Upstream's parser has room for thousands; modules of ours have ten.
constexpr size_t mostLevels = 500;

class NestingScan {
public:
  explicit NestingScan(StringRef text) : text(text) {}

  /// Where the text is nested too deep; its end if it is not.
  size_t tooDeepAt();

private:
  void step();
  void bracket(char symbol);
  void close(char opening);
  void alias();
  void word();
  void affineOperator();
  StringRef from(size_t at) const { return text.substr(at); }
  /// Counts what lies `levels` below the top, here.
  void see(size_t levels) { deepest = std::max(deepest, levels), seen = std::max(seen, levels); }

  StringRef text;
  size_t position = 0;
  llvm::SmallVector<char> open; ///< brackets
  size_t signs = 0;             ///< one after the other
  size_t deepest = 0;           ///< of all
  size_t affine = SIZE_MAX;     ///< brackets around the last affine map or set
  size_t operators = 0;         ///< in it
  /// Levels of the aliases that are defined by now, and of the one whose value may go on.
  llvm::StringMap<size_t> aliases;
  StringRef defined;
  size_t seen = 0;
};

size_t NestingScan::tooDeepAt() {
  while (position < text.size() && deepest <= mostLevels) {
    step();
  }
  return deepest > mostLevels ? position : text.size();
}

void NestingScan::step() {
  char symbol = text[position];
  if (llvm::isSpace(symbol)) {
    ++position;
    return;
  }
  if (symbol == '-' && !from(position).starts_with("->")) {
    ++position;
    see(++signs);
    affineOperator();
    return;
  }
  signs = 0;
  if (symbol == '"') {
    // MLIR's strings end with their line.
    for (++position; position < text.size() && text[position] != '"' && text[position] != '\n';) {
      position += text[position] == '\\' ? 2 : 1;
    }
    ++position;
  } else if (from(position).starts_with("//")) {
    position = text.find('\n', position);
  } else if (symbol == '#' || symbol == '!') {
    alias();
  } else if (from(position).starts_with("->") || from(position).starts_with("<=") ||
             from(position).starts_with(">=")) {
    position += 2; // an arrow, or a comparison
  } else if (llvm::isAlpha(symbol) || symbol == '_') {
    word();
  } else {
    bracket(symbol);
    ++position;
  }
}

void NestingScan::bracket(char symbol) {
  switch (symbol) {
  case '(':
  case '[':
  case '{':
  case '<':
    open.push_back(symbol);
    see(open.size());
    break;
  case ')':
    close('(');
    break;
  case ']':
    close('[');
    break;
  case '}':
    close('{');
    break;
  case '>':
    if (!open.empty() && open.back() == '<') {
      open.pop_back();
    }
    break;
  case '+':
  case '*':
    affineOperator();
    break;
  default:
    break;
  }
}

/// Each operator of an affine map or set is a call within that of the one before it.
void NestingScan::affineOperator() {
  if (open.size() > affine) {
    see(++operators);
  }
}

void NestingScan::word() {
  StringRef name = from(position).take_while(
      [](char symbol) { return llvm::isAlnum(symbol) || StringRef("$._").contains(symbol); });
  position += name.size();
  if (name == "affine_map" || name == "affine_set") {
    affine = open.size();
    operators = 0;
  } else if (name == "floordiv" || name == "ceildiv" || name == "mod") {
    affineOperator();
  }
}

/// Closes the last bracket of a kind, and what was left open in it.
void NestingScan::close(char opening) {
  auto *last = std::find(open.rbegin(), open.rend(), opening).base();
  if (last != open.begin()) {
    open.erase(last - 1, open.end());
  }
}

/// At `#name` or `!name`: the definition of an alias, or a use.
void NestingScan::alias() {
  size_t letters = from(position + 1)
                       .take_while([](char symbol) {
                         return llvm::isAlnum(symbol) || StringRef("$._-").contains(symbol);
                       })
                       .size();
  StringRef name = from(position).take_front(1 + letters);
  position += name.size();
  StringRef rest = from(position).ltrim();
  if (rest.starts_with("=") && !rest.starts_with("==")) {
    if (!defined.empty()) {
      aliases[defined] = seen;
    }
    aliases.erase(name);
    defined = name;
    seen = 0;
    return;
  }
  see(open.size() + aliases.lookup(name));
}

} // namespace

Status checkNesting(const llvm::MemoryBuffer &buffer) {
  StringRef text = buffer.getBuffer();
  if (text.starts_with("ML\xEFR")) {
    return {};
  }
  size_t end = NestingScan(text).tooDeepAt();
  if (end == text.size()) {
    return {};
  }
  return Failure{"expected at most " + std::to_string(mostLevels) +
                     " levels of brackets, aliases and operators within each other, found more",
                 buffer.getBufferIdentifier().str() + ":" +
                     std::to_string(text.take_front(end).count('\n') + 1),
                 "is this the right file? No module of ours is nested so deep"};
}

} // namespace dsv3
