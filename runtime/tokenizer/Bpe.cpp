//===- Bpe.cpp - byte-pair encoding of one word ---------------------------===//

#include "runtime/tokenizer/Bpe.h"

#include <queue>

namespace dsv3::text {

namespace {
/// A node of the list of tokens that a word currently consists of.
struct Symbol {
  TokenId id;
  int32_t previous, next;
};
/// A merge that applied when it was found; stale if a neighbour changed since.
struct Candidate {
  uint32_t rank;
  int32_t left;
  TokenId merged;
  /// Lowest rank first, then leftmost.
  bool operator<(const Candidate &other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};
} // namespace

void Bpe::encode(std::string_view word, std::vector<TokenId> &ids) const {
  if (!wholeWords.empty()) {
    auto found = wholeWords.find(std::string(word));
    if (found != wholeWords.end()) {
      ids.push_back(found->second);
      return;
    }
  }
  // Positions are 32-bit: a longer word is cut, where no merge could reach.
  constexpr size_t limit = size_t(1) << 30;
  for (; word.size() > limit; word.remove_prefix(limit)) {
    encodeBytes(word.substr(0, limit), ids);
  }
  encodeBytes(word, ids);
}

void Bpe::encodeBytes(std::string_view word, std::vector<TokenId> &ids) const {
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  for (char c : word) {
    TokenId id = byteTokens[uint8_t(c)];
    if (id < 0) {
      id = unknown;
      if (id < 0 || (fuseUnknown && !symbols.empty() && symbols.back().id == unknown)) {
        continue;
      }
    }
    int32_t at = int32_t(symbols.size());
    symbols.push_back({id, at - 1, at + 1});
  }
  if (symbols.empty()) {
    return;
  }
  symbols.back().next = -1;

  std::priority_queue<Candidate> queue;
  auto consider = [&](int32_t left) {
    if (left < 0 || symbols[left].next < 0) {
      return;
    }
    if (const auto *merge = merges.find(symbols[left].id, symbols[symbols[left].next].id)) {
      queue.push({merge->rank, left, merge->merged});
    }
  };
  for (int32_t at = 0; at + 1 < int32_t(symbols.size()); ++at) {
    consider(at);
  }
  while (!queue.empty()) {
    Candidate top = queue.top();
    queue.pop();
    Symbol &left = symbols[top.left];
    if (left.id < 0 || left.next < 0) {
      continue;
    }
    Symbol &right = symbols[left.next];
    const auto *merge = merges.find(left.id, right.id);
    if (!merge || merge->merged != top.merged) {
      continue;
    }
    left.id = top.merged;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0) {
      symbols[left.next].previous = top.left;
    }
    consider(left.previous);
    consider(top.left);
  }
  for (int32_t at = 0; at >= 0; at = symbols[at].next) {
    ids.push_back(symbols[at].id);
  }
}

MergeTable::MergeTable(size_t count) {
  size_t size = 16;
  while (size < 2 * count) {
    size *= 2;
  }
  slots.resize(size);
}

size_t MergeTable::slotOf(uint64_t pair) const {
  // Fibonacci hashing: the high bits of the product are well mixed.
  size_t mask = slots.size() - 1;
  size_t slot = (pair * 0x9E3779B97F4A7C15ULL >> 32) & mask;
  while (slots[slot].merged >= 0 && slots[slot].pair != pair) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void MergeTable::insert(TokenId left, TokenId right, uint32_t rank, TokenId merged) {
  uint64_t pair = uint64_t(uint32_t(left)) << 32 | uint32_t(right);
  slots[slotOf(pair)] = {pair, rank, merged};
}

const MergeTable::Entry *MergeTable::find(TokenId left, TokenId right) const {
  const Entry &entry = slots[slotOf(uint64_t(uint32_t(left)) << 32 | uint32_t(right))];
  return entry.merged < 0 ? nullptr : &entry;
}

} // namespace dsv3::text
