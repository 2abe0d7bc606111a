//===- CommandLine.cpp - what the command lines of all tools share --------===//
#include "dsv3/Support/CommandLine.h"

#include <algorithm>
#include <array>

namespace dsv3 {

std::string versionText(std::string_view tool) { return std::string(tool) + " " + DSV3_VERSION; }

std::string refuseEmpty(const std::string &value) {
  return value.empty() ? "expected a value, found an empty one; leave the option out" : "";
}

std::string refuseOtherBase(const std::string &value) {
  size_t digits = value.find_first_not_of("+-");
  if (digits == value.npos || value[digits] != '0' || digits + 1 == value.size() ||
      std::string_view(".eE").find(value[digits + 1]) != std::string_view::npos) {
    return "";
  }
  return "expected a decimal number without zeros before it, found '" + value + "'";
}

bool isNumberType(std::string_view type) {
  static constexpr std::array<std::string_view, 6> names{"INT",  "UINT", "FLOAT",
                                                         "DAYS", "GIB",  "N"};
  return std::ranges::find(names, type.substr(0, type.find(':'))) != names.end();
}

std::vector<std::string> wordsForCli11(int argc, const char *const *argv) {
  std::vector<std::string> words;
  bool areFlags = true; // until "--"
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    areFlags &= word != "--";
    if (areFlags && word.starts_with("--") && word.find('=') == word.size() - 1) {
      word.pop_back();
      words.push_back(word);
      word.clear();
    }
    words.push_back(word);
  }
  std::reverse(words.begin(), words.end());
  return words;
}

} // namespace dsv3
