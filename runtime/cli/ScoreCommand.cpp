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
  ScoreFlags score;
};
} // namespace

static Status score(const Flags &flags) {
  Expected<ModelFiles> files = openModel(flags.model);
  if (!files) {
    return files.status();
  }
  Expected<std::vector<int32_t>> ids =
      promptIds(flags.prompt, files->texts, files->room(flags.model));
  if (!ids) {
    return ids.status();
  }
  // Before minutes go into weights: the place may not be writable.
  Expected<ScoreFile> file =
      ScoreFile::create(flags.score, files->texts.config, int64_t(ids->size()));
  if (!file) {
    return file.status();
  }
  Expected<std::unique_ptr<RunningModel>> model = startModel(*files, flags.model);
  if (!model) {
    return model.status();
  }
  runtime::SessionModel session(*(*model)->session);
  return writeScores(session, *ids, *std::move(file));
}

void addScore(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = app.add_subcommand(
      "score", "Writes the logits [tokens, vocabulary] of every position of a prompt to a\n"
               "safetensors file, and what is asked for besides.\n\n"
               "example: dsv3-run score --model DIR --ids 0,5,7 --output out.safetensors");
  addModelFlags(*command, flags->model);
  addPromptFlags(*command, flags->prompt, /*withChat=*/false);
  addScoreFlags(*command, flags->score);
  command->callback([flags, &chosen] { chosen = [flags] { return score(*flags); }; });
}

} // namespace dsv3::cli
