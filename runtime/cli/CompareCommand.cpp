//===- CompareCommand.cpp - what an encoding changes ----------------------===//
#include "dsv3/Support/File.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/Compare.h"
#include "runtime/cli/Prompt.h"
#include "runtime/cli/Streams.h"

#include <CLI/CLI.hpp>

#include <memory>

namespace dsv3::cli {
namespace {
struct CompareFlags {
  ModelFlags model;
  std::string reference, file;
  PromptFlags prompt;
  bool layers = false, json = false;
};

/// A model that is compared. `running` refers to `files`.
struct Opened {
  ModelFlags flags;
  std::optional<FoundModel> found;
  std::optional<ModelFiles> files;
  std::unique_ptr<RunningModel> running;

  Status find() {
    Expected<FoundModel> model = findModel(flags);
    if (model) {
      found = *std::move(model);
    }
    return model ? Status() : model.status();
  }
  Status open() {
    Expected<ModelFiles> opened = openModel(*std::move(found), flags);
    if (opened) {
      files = *std::move(opened);
    }
    return opened ? Status() : opened.status();
  }
  Status start() {
    Expected<std::unique_ptr<RunningModel>> started = startModel(*files, flags);
    if (started) {
      running = *std::move(started);
    }
    return started ? Status() : started.status();
  }
};
} // namespace

/// Where the reference is: what --reference names, or what the model is made from as it is stored.
static Expected<ModelFlags> referenceOf(const CompareFlags &flags, const FoundModel &model) {
  ModelFlags reference = flags.model;
  bool changes = !compileOptions(flags.model).empty();
  reference.weights.clear(), reference.head.clear();
  reference.activations.clear(), reference.cacheType.clear(), reference.calibration.clear();
  reference.weightsInPlace.clear();
  if (!flags.reference.empty()) {
    reference.model = flags.reference, reference.config.clear();
  } else if (model.bundle && model.checkpoint) {
    reference.model = model.checkpoint->directory().string();
  } else if (!changes) {
    return Failure{"a model is compared with itself: expected --reference, --weights, --head, "
                   "--activations, --cache-type or --weights-in-place",
                   "", "dsv3-run compare --model DIR --weights int8 --prompt TEXT"};
  }
  return reference;
}

/// Finds both models, and the ids of the text.
static Expected<std::vector<int32_t>> findBoth(CompareFlags &flags, Opened &model,
                                               Opened &reference) {
  if (!flags.file.empty()) {
    constexpr size_t mostBytes = size_t(1) << 28;
    Expected<std::string> text = readFile(flags.file, mostBytes);
    if (!text) {
      return text.failure();
    }
    if (text->empty()) {
      return Failure{"expected a text of 1 or more tokens, found none", "--text " + flags.file,
                     "name a file that holds text"};
    }
    flags.prompt.text = *std::move(text), flags.prompt.hasText = true;
  }
  if (Status found = model.find(); !found) {
    return found;
  }
  auto ids = promptIds(flags.prompt, model.found->texts, model.found->room(model.flags));
  if (!ids) {
    return ids;
  }
  Expected<ModelFlags> referenceFlags = referenceOf(flags, *model.found);
  if (!referenceFlags) {
    return referenceFlags.failure();
  }
  reference.flags = *referenceFlags;
  if (Status found = reference.find(); !found) {
    return found;
  }
  int64_t room = reference.found->context(reference.flags);
  if (int64_t(ids->size()) > room) {
    return Failure{"the text has " + std::to_string(ids->size()) +
                       " tokens, the reference's context holds " + std::to_string(room),
                   "--reference", "shorten the text, or compile the reference for more"};
  }
  return ids;
}

static Status compare(CompareFlags flags) {
  Opened model{flags.model, {}, {}, {}}, reference;
  Expected<std::vector<int32_t>> ids = findBoth(flags, model, reference);
  if (!ids) {
    return ids.status();
  }
  for (Opened *each : {&reference, &model}) {
    if (Status opened = each->open(); !opened) {
      return opened;
    }
  }
  for (Opened *each : {&reference, &model}) {
    if (Status started = each->start(); !started) {
      return started;
    }
  }
  runtime::SessionModel ofModel(*model.running->session), ofReference(*reference.running->session);
  Expected<Comparison> result = compareModels(ofModel, ofReference, *ids, flags.layers);
  if (!result) {
    return result.status();
  }
  return writeOutput(flags.json ? comparisonJson(*result) : comparisonText(*result));
}

void addCompare(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<CompareFlags>();
  CLI::App *command = app.add_subcommand(
      "compare",
      "Says how far a model is from a reference on a text: the divergence of what they expect\n"
      "next, and how often they expect the same. Without --reference that is the model's own\n"
      "checkpoint as it is stored, so that --weights, --head, --activations and --cache-type\n"
      "tell what they change. Both models are in memory. nll is the negative log-likelihood of the "
      "text:\n"
      "lower is better. Fails where a logit is NaN or infinite.\n\n"
      "example: dsv3-run compare --model DIR --weights int8 --text FILE --layers");
  addModelFlags(*command, flags->model);
  command->add_option("--reference", flags->reference, "another model directory, or a bundle");
  addPromptFlags(*command, flags->prompt, /*withChat=*/false);
  command->get_option_group("prompt")->add_option("--text", flags->file, "a file of text");
  command->add_flag("--layers", flags->layers, "the error of each layer's output, too");
  command->add_flag("--json", flags->json, "one JSON object instead of a table");
  command->callback([flags, &chosen] {
    refuseUsage(checkSource(flags->model));
    chosen = [flags] { return compare(*flags); };
  });
}

} // namespace dsv3::cli
