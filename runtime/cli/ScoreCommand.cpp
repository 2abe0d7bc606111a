//===- ScoreCommand.cpp - logits and what led to them ---------------------===//
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/OutputCheck.h"
#include "runtime/cli/Prompt.h"
#include "runtime/cli/Scores.h"

#include <memory>

namespace dsv3::cli {
namespace {
struct ScoreCommandFlags {
  ModelFlags model;
  PromptFlags prompt;
  ScoreFlags score;
};
} // namespace

static Status score(const ScoreCommandFlags &flags) {
  Expected<FoundModel> found = findModel(flags.model);
  if (!found) {
    return found.status();
  }
  Expected<std::vector<int32_t>> ids =
      promptIds(flags.prompt, found->texts, found->room(flags.model));
  if (!ids) {
    return ids.status();
  }
  if (flags.score.wanted.mtp) {
    Expected<bool> there = found->hasMtp();
    if (Status mtp = there ? checkMtp(*there) : there.status(); !mtp) {
      return mtp;
    }
  }
  if (Status free = checkOutput("--output", flags.score.output, flags.prompt); !free) {
    return free;
  }
  if (found->checkpoint) {
    if (Status free = checkOutput("--output", flags.score.output, *found->checkpoint); !free) {
      return free;
    }
  }
  // Before minutes go into compiling and weights: the place may not be writable.
  Expected<ScoreFile> file =
      ScoreFile::create(flags.score, found->texts.config, int64_t(ids->size()));
  if (!file) {
    return file.status();
  }
  Expected<ModelFiles> files = openModel(*std::move(found), flags.model);
  if (!files) {
    return files.status();
  }
  if (Status free = checkOutput("--output", flags.score.output, files->bundle); !free) {
    return free;
  }
  Expected<std::unique_ptr<RunningModel>> model = startModel(*files, flags.model);
  if (!model) {
    return model.status();
  }
  runtime::SessionModel session(*(*model)->session);
  return writeScores(session, *ids, *std::move(file));
}

void addScore(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<ScoreCommandFlags>();
  CLI::App *command = app.add_subcommand(
      "score", "Writes the logits [tokens, vocabulary] of every position of a prompt to a\n"
               "safetensors file, and what is asked for besides. Values that are NaN\n"
               "or infinite are written as they are, with a note.\n\n"
               "example: dsv3-run score --model DIR --ids 0,5,7 --output out.safetensors");
  addModelFlags(*command, flags->model);
  addPromptFlags(*command, flags->prompt, /*withChat=*/false);
  addScoreFlags(*command, flags->score);
  command->callback([flags, &chosen] {
    refuseUsage(checkSource(flags->model));
    chosen = [flags] { return score(*flags); };
  });
}

} // namespace dsv3::cli
