//===- TextGeneration.cpp - generation as a command shows it --------------===//
#include "runtime/cli/TextGeneration.h"

#include "runtime/cli/CommandLine.h"
#include "runtime/cli/PromptProgress.h"
#include "runtime/cli/StopFilter.h"
#include "runtime/cli/Streams.h"
#include "runtime/tokenizer/StreamDecoder.h"

#include <cmath>
#include <cstdio>

namespace dsv3::cli {
namespace {

/// Prints tokens as they come: as text, or as ids.
class Printer {
public:
  Printer(const text::Tokenizer *tokenizer, std::vector<std::string> stops, bool asIds)
      : stops(std::move(stops)), asIds(asIds || !tokenizer) {
    if (tokenizer) {
      decoder.emplace(*tokenizer, /*skipSpecial=*/true);
    }
  }

  /// Whether to go on.
  bool push(int32_t id) {
    std::string shown = decoder ? stops.push(decoder->push(id)) : "";
    if (stops.stopped() && asIds) {
      return false; // the token that completes a stop text is not shown
    }
    status = writeOutput(asIds ? (first ? "" : ",") + std::to_string(id) : shown);
    first = false;
    return status.ok() && !stops.stopped();
  }
  /// Whether a token was taken.
  bool began() const { return !first; }
  Status finish() {
    if (!status) {
      return status;
    }
    std::string rest = decoder && !asIds ? stops.push(decoder->finish()) + stops.finish() : "";
    return writeOutput(rest + "\n");
  }

private:
  std::optional<text::StreamDecoder> decoder;
  StopFilter stops;
  bool asIds, first = true;
  Status status;
};

} // namespace

static constexpr int64_t mostTokensByDefault = 1024;

static runtime::GenerateOptions generateOptions(const TextFlags &flags, const ModelTexts &texts) {
  const checkpoint::GenerationConfig &defaults = texts.generation;
  runtime::GenerateOptions options;
  options.sampling.temperature =
      flags.temperature.value_or(defaults.doSample ? defaults.temperature : 0);
  options.sampling.topP = flags.topP.value_or(defaults.topP);
  options.sampling.topK = flags.topK.value_or(defaults.topK);
  options.sampling.minP = flags.minP.value_or(defaults.minP.value_or(0));
  options.sampling.seed = flags.seed.value_or(0);
  const std::vector<int64_t> &ends =
      defaults.eosTokenIds.empty() ? texts.config.eosTokenIds : defaults.eosTokenIds;
  options.ends.assign(ends.begin(), ends.end());
  options.ignoreEnds = flags.ignoreEos;
  options.maxTokens = flags.maxTokens.value_or(mostTokensByDefault);
  options.limit = texts.tokenizer ? texts.tokenizer->vocabSize() : 0;
  return options;
}

static const char *reasonText(runtime::StopReason reason) {
  switch (reason) {
  case runtime::StopReason::End:
    return "end of the text";
  case runtime::StopReason::MaxTokens:
    return "--max-tokens reached";
  case runtime::StopReason::Context:
    return "the context is full";
  case runtime::StopReason::Caller:
    return "stop text";
  case runtime::StopReason::Cancelled:
    return "interrupted";
  }
  return "";
}

static void summarise(const runtime::Generation &done) {
  auto line = [](const char *what, int64_t tokens, double seconds) {
    std::fprintf(stderr, "%-11s %lld tokens in %.2f s, %.1f tokens/s\n", what, (long long)tokens,
                 seconds, seconds > 0 ? double(tokens) / seconds : 0.0);
  };
  line("prompt:", done.promptTokens, done.promptTime);
  line("generation:", done.tokens, done.time);
  std::fprintf(stderr, "%-11s %s\n", "stopped:", reasonText(done.reason));
}

/// Tells who gives what only matters where tokens are drawn.
static void sayUndrawn(const TextFlags &flags, double temperature) {
  const char *given = flags.topP   ? "--top-p"
                      : flags.topK ? "--top-k"
                      : flags.minP ? "--min-p"
                      : flags.seed ? "--seed"
                                   : nullptr;
  if (given && temperature == 0) {
    say(std::string("note: ") + given + " changes nothing at temperature 0, where the likeliest " +
        "token is always taken");
  }
}

/// Tells who asked for more tokens than the context holds after the prompt. The last one is
/// not fed, so it needs no room.
static void sayRoom(const TextFlags &flags, int64_t promptTokens, runtime::ContextRoom room) {
  int64_t most = room.tokens - promptTokens + 1;
  if (flags.maxTokens && *flags.maxTokens > most) {
    say("note: --max-tokens asks for " + std::to_string(*flags.maxTokens) +
        " tokens, but the context of " + std::to_string(room.tokens) + " is full after " +
        std::to_string(most));
  }
}

Expected<std::vector<int32_t>> generationPrompt(const TextFlags &flags, const ModelTexts &texts,
                                                runtime::ContextRoom room) {
  sayUndrawn(flags, generateOptions(flags, texts).sampling.temperature);
  if (!flags.stops.empty() && !texts.tokenizer) {
    return Failure{"the model has no tokenizer.json, so it writes no text", "--stop",
                   "leave --stop out; --max-tokens ends the answer, too"};
  }
  Expected<std::vector<int32_t>> ids = promptIds(flags.prompt, texts, room);
  if (ids) {
    sayRoom(flags, int64_t(ids->size()), room);
  }
  return ids;
}

Status generateText(runtime::LanguageModel &model, std::span<const int32_t> prompt,
                    const TextFlags &flags, const ModelTexts &texts) {
  Printer printer(texts.tokenizer ? &*texts.tokenizer : nullptr, flags.stops, flags.printIds);
  runtime::GenerateOptions options = generateOptions(flags, texts);
  std::optional<PromptProgress> progress(
      std::in_place, "reading the prompt of " + std::to_string(prompt.size()) + " tokens",
      int64_t(prompt.size()), texts.config.numHiddenLayers);
  options.prompt = &*progress;
  Expected<runtime::Generation> done =
      runtime::generate(model, prompt, options, [&](int32_t id) { return printer.push(id); });
  progress.reset(); // ends its line where the prompt was not read to the end
  // A line that has begun is ended, whatever stopped it.
  if (!done && !printer.began()) {
    return done.status();
  }
  if (Status printed = printer.finish(); !printed || !done) {
    return printed ? done.status() : printed;
  }
  summarise(*done);
  return {};
}

void addTextFlags(CLI::App &command, TextFlags &flags) {
  addPromptFlags(command, flags.prompt, /*withChat=*/true);
  command.add_option("--max-tokens", flags.maxTokens, "most tokens to generate [1024]")
      ->check(CLI::Range(int64_t(1), mostTokens));
  command.add_option("--temperature", flags.temperature, "0: always the most likely token")
      ->check(finiteRange(0, HUGE_VAL));
  command.add_option("--top-p", flags.topP, "keep the likeliest tokens up to this mass")
      ->check(finiteRange(0, 1));
  command.add_option("--top-k", flags.topK, "keep this many tokens; 0: all")->check(countRange());
  command.add_option("--min-p", flags.minP, "keep tokens this likely, relative to the best")
      ->check(finiteRange(0, 1));
  command.add_option("--seed", flags.seed, "of the random choice; 0 if not given")
      ->check(seedRange());
  command.add_option("--stop", flags.stops, "text that ends the answer; may be repeated")
      ->allow_extra_args(false);
  command.add_flag("--print-ids", flags.printIds, "print token ids, separated by commas");
  command.add_flag("--ignore-eos", flags.ignoreEos, "go on after the end of the text");
}

} // namespace dsv3::cli
