//===- CommandLine.cpp - what the command lines of all tools share --------===//
#include "dsv3/Support/CommandLine.h"

namespace dsv3 {

std::string versionText(std::string_view tool) { return std::string(tool) + " " + DSV3_VERSION; }

std::string refuseEmpty(const std::string &value) {
  return value.empty() ? "expected a value, found an empty one; leave the option out" : "";
}

std::vector<std::string> wordsForCli11(int argc, const char *const *argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) {
    std::string word = argv[i];
    if (word.starts_with("--") && word.ends_with('=')) {
      words.emplace_back();
      word.pop_back();
    }
    words.push_back(word);
  }
  return words;
}

} // namespace dsv3
