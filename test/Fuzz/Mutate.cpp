//===- Mutate.cpp - inputs near a seed ------------------------------------===//
#include "Mutate.h"

#include <algorithm>
#include <array>

namespace dsv3::fuzz {

/// What numbers in texts become: borders of integer types and what is no integer.
static constexpr std::array<const char *, 12> numbers = {
    "0",  "-1",    "1",   "65536",      "2147483648",           "9223372036854775807",
    "-0", "1e999", "0.5", "4294967295", "-9223372036854775808", "99999999999999999999"};
/// What a byte becomes where a bit more or less would not matter.
static constexpr std::string_view bytes{"\0\xFF\x80\x7F\"\\{}[],:%|.-'( \n\xC3\xE2\xF0", 23};
static constexpr std::string_view digits = "0123456789";

static size_t below(RandomNumbers &random, size_t limit) {
  return limit == 0 ? 0 : size_t(random.next() % limit);
}

/// A piece of `text`: mostly short, sometimes of any length.
static std::pair<size_t, size_t> piece(const std::string &text, RandomNumbers &random) {
  size_t begin = below(random, text.size());
  size_t most = random.next() % 4 ? 16 : text.size();
  return {begin, below(random, std::min(most, text.size() - begin) + 1)};
}

static void replaceNumber(std::string &text, RandomNumbers &random) {
  size_t begin = text.find_first_of(digits, below(random, text.size()));
  if (begin != std::string::npos) {
    size_t end = std::min(text.find_first_not_of(digits, begin), text.size());
    text.replace(begin, end - begin, numbers[below(random, numbers.size())]);
  }
}

/// An integer of a binary file, as little-endian bytes.
static void replaceInteger(std::string &text, RandomNumbers &random) {
  size_t width = size_t(1) << below(random, 4);
  if (text.size() < width) {
    return;
  }
  constexpr std::array<uint64_t, 6> extremes = {
      0, 1, ~uint64_t(0), ~uint64_t(0) >> 1, uint64_t(1) << 63, uint64_t(1) << 31};
  uint64_t value = uint64_t(1) << below(random, 64);
  if (random.next() % 2) {
    value = extremes[below(random, extremes.size())];
  }
  for (size_t i = 0, at = below(random, text.size() - width + 1); i < width; ++i) {
    text[at + i] = char(value >> (8 * i));
  }
}

static void damage(std::string &text, std::span<const std::string> seeds, RandomNumbers &random) {
  auto [begin, size] = piece(text, random);
  switch (random.next() % 10) {
  case 0:
    if (!text.empty()) {
      text[begin] = char(text[begin] ^ (1 << below(random, 8)));
    }
    return;
  case 1:
    if (!text.empty()) {
      text[begin] = bytes[below(random, bytes.size())];
    }
    return;
  case 2:
    text.erase(begin, size);
    return;
  case 3:
    text.resize(begin);
    return;
  case 4: // double a piece, in place
    text.insert(begin, text.substr(begin, size));
    return;
  case 5: // copy a piece elsewhere
    text.insert(below(random, text.size() + 1), text.substr(begin, size));
    return;
  case 6: { // a piece of another seed
    const std::string &other = seeds[below(random, seeds.size())];
    auto [from, count] = piece(other, random);
    text.replace(begin, random.next() % 2 ? size : 0, other, from, count);
    return;
  }
  case 7:
    replaceInteger(text, random);
    return;
  default:
    replaceNumber(text, random);
  }
}

std::string mutate(std::span<const std::string> seeds, RandomNumbers &random) {
  std::string text = seeds[below(random, seeds.size())];
  for (uint64_t count = 1 + random.next() % 4; count > 0; --count) {
    damage(text, seeds, random);
  }
  return text;
}

} // namespace dsv3::fuzz
