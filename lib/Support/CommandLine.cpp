//===- CommandLine.cpp - what the command lines of all tools share --------===//
#include "dsv3/Support/CommandLine.h"

#include <algorithm>

namespace dsv3 {

std::string versionText(std::string_view tool) { return std::string(tool) + " " + DSV3_VERSION; }

std::string refuseEmpty(const std::string &value) {
  return value.empty() ? "expected a value, found an empty one; leave the option out" : "";
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
