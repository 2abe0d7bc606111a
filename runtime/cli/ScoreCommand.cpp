//===- ScoreCommand.cpp - logits and what led to them ---------------------===//
#include "runtime/cli/Commands.h"
#include "runtime/cli/Prompt.h"
#include "runtime/cli/Scores.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace dsv3::cli {
namespace {
struct Flags {
  ModelFlags model;
  PromptFlags prompt;
  std::string output;
  ScoreOptions wanted;
};
} // namespace

static Status score(const Flags &flags) {
  Expected<ModelFiles> files = openModel(flags.model);
  if (!files) {
    return files.status();
  }
  Expected<std::vector<int32_t>> ids =
      promptIds(flags.prompt, files->texts, files->context(flags.model));
  if (!ids) {
    return ids.status();
  }
  Expected<std::unique_ptr<RunningModel>> model = startModel(*files, flags.model);
  if (!model) {
    return model.status();
  }
  Expected<Scores> scores = computeScores(*(*model)->session, *ids, flags.wanted);
  return scores ? writeScores(flags.output, *scores) : scores.status();
}

void addScore(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = app.add_subcommand(
      "score", "Writes the logits [tokens, vocabulary] of every position of a prompt to a\n"
               "safetensors file, and what is asked for besides.\n\n"
               "example: dsv3-run score --model DIR --ids 0,5,7 --output out.safetensors");
  addModelFlags(*command, flags->model);
  addPromptFlags(*command, flags->prompt, /*withChat=*/false);
  command->add_option("--output", flags->output, "file to write")->required();
  command->add_flag("--hidden", flags->wanted.hidden,
                    "hidden [layers + 1, tokens, hidden size]: embedding and layers' outputs");
  command->add_flag("--router", flags->wanted.router,
                    "router.L.experts and router.L.weights [tokens, experts per token]");
  command->add_flag("--mtp", flags->wanted.mtp, "mtp_logits [tokens - 1, vocabulary]");
  command->callback([flags, &chosen] { chosen = [flags] { return score(*flags); }; });
}

} // namespace dsv3::cli
