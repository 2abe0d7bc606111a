//===- TokenizeCommands.cpp - tokenize and detokenize ---------------------===//
#include "dsv3/Support/File.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/Streams.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>

namespace dsv3::cli {
namespace {
struct TokenizeFlags {
  std::string model;
  bool json = false, plain = false, skipSpecial = false;
};
} // namespace

static Status tokenize(const TokenizeFlags &flags) {
  Expected<text::Tokenizer> tokenizer = text::Tokenizer::load(flags.model);
  if (!tokenizer) {
    return tokenizer.status();
  }
  Expected<std::string> input = readInput("-");
  if (!input) {
    return input.status();
  }
  Expected<std::vector<text::TokenId>> ids = tokenizer->encode(*input, !flags.plain);
  if (!ids) {
    return ids.status();
  }
  std::string line = idsText(*ids);
  return writeOutput((flags.json ? "[" + line + "]" : line) + "\n");
}

static Status detokenize(const TokenizeFlags &flags) {
  Expected<text::Tokenizer> tokenizer = text::Tokenizer::load(flags.model);
  if (!tokenizer) {
    return tokenizer.status();
  }
  Expected<std::string> input = readInput("-");
  if (!input) {
    return input.status();
  }
  Expected<std::vector<int32_t>> ids = parseIds(*input, "stdin");
  if (!ids) {
    return ids.status();
  }
  for (int32_t id : *ids) {
    if (!tokenizer->contains(id)) {
      return Failure{"expected ids of the tokenizer's vocabulary of " +
                         std::to_string(tokenizer->vocabSize()) + ", found " + std::to_string(id),
                     "stdin", "was it made with the tokenizer of another model?"};
    }
  }
  std::string text = tokenizer->decode(*ids, flags.skipSpecial);
  return writeOutput(flags.json ? nlohmann::json(text).dump() + "\n" : text);
}

static constexpr const char *modelHelp = "folder with a tokenizer.json, or the file";

void addTokenize(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<TokenizeFlags>();
  CLI::App *command = app.add_subcommand(
      "tokenize", "Reads text from stdin, byte by byte as it is, and prints its token ids,\n"
                  "separated by commas, without BOS. Added tokens that the text spells are\n"
                  "parsed. Reads at most 256 MiB.\n\nexample: printf 'Hello' | dsv3-run tokenize "
                  "--model models/nano");
  command->add_option("--model", flags->model, modelHelp)->required();
  command->add_flag("--json", flags->json, "print a JSON list");
  command->add_flag("--no-parse-special", flags->plain,
                    "added tokens in the text are text like any other");
  command->callback([flags, &chosen] { chosen = [flags] { return tokenize(*flags); }; });
}

void addDetokenize(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<TokenizeFlags>();
  CLI::App *command = app.add_subcommand(
      "detokenize", "Reads token ids from stdin (separated by commas or spaces, or a JSON list)\n"
                    "and prints their text, with nothing added; U+FFFD for what is not UTF-8.\n"
                    "Reads at most 256 MiB.\n\n"
                    "example: echo 0,5,7 | dsv3-run detokenize --model models/nano");
  command->add_option("--model", flags->model, modelHelp)->required();
  command->add_flag("--json", flags->json, "print a JSON string");
  command->add_flag("--skip-special", flags->skipSpecial, "leave special tokens out");
  command->callback([flags, &chosen] { chosen = [flags] { return detokenize(*flags); }; });
}

} // namespace dsv3::cli
