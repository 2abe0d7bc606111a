//===- OpenModel.cpp - a model without its weights ------------------------===//
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Hash.h"
#include "runtime/bundle/CompileCache.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Interrupt.h"
#include "runtime/cli/Model.h"
#include "runtime/cli/Streams.h"

#include <filesystem>
#include <system_error>

namespace fs = std::filesystem;

namespace dsv3::cli {

void addModelFlags(CLI::App &command, ModelFlags &flags) {
  auto *source = command.add_option_group("model");
  source->add_option("--model", flags.model, "checkpoint directory, or a bundle of dsv3-compile");
  source->add_option("--config", flags.config, "a config.json alone; with --dummy");
  source->require_option(1);
  command.add_option("--threads", flags.threads, "threads; 0: as many as are useful here")
      ->check(threadRange());
  command
      .add_option("--context", flags.context,
                  "tokens of context; 0: as many as the model was compiled for")
      ->check(CLI::Range(int64_t(0), mostTokens));
  command
      .add_option("--chunk", flags.chunk,
                  "most tokens of a step; 0: as many as the model was compiled for")
      ->check(CLI::Range(int64_t(0), mostTokens));
  command.add_option("--variant", flags.variant,
                     "kind of CPU whose code is run, for example "
                     "x86-64-v3");
  command.add_flag("--rebuild", flags.rebuild, "compile even if there is a compiled model");
  command.add_flag("--keep-packed", flags.keepPacked,
                   "keep the packed weights beside the bundle; later starts map them");
  auto *dummy = command.add_flag("--dummy", flags.dummy, "make weights up; config.json is enough");
  command.add_option("--dummy-seed", flags.dummySeed, "seed of such weights")
      ->check(seedRange())
      ->needs(dummy);
}

int64_t ModelFiles::context(const ModelFlags &flags) const {
  return flags.context > 0 ? flags.context : bundle.plan().cache.maxContext;
}

runtime::ContextRoom ModelFiles::room(const ModelFlags &flags) const {
  return {context(flags), bundle.plan().cache.maxContext, texts.config.maxPositionEmbeddings};
}

Status checkSource(const ModelFlags &flags) {
  if (!flags.config.empty() && !flags.dummy) {
    return Failure{"a configuration alone has no weights", "--config " + flags.config,
                   "give --model DIR, or add --dummy to make weights up; dsv3-compile --config " +
                       flags.config + " --plan-only says whether so many fit here"};
  }
  return {};
}

fs::path configPath(const ModelFlags &flags) {
  return flags.config.empty() ? fs::path(flags.model) / "config.json" : fs::path(flags.config);
}

/// What dsv3-compile is asked for where --model is no bundle.
static Expected<runtime::Bundle>
compileModel(const ModelFlags &flags, const std::optional<checkpoint::Checkpoint> &checkpoint) {
  runtime::CompileRequest request;
  request.rebuild = flags.rebuild;
  request.cancel = watchInterrupts();
  request.say = say;
  request.input = flags.model;
  if (checkpoint) {
    request.identity = checkpoint->identity();
  } else {
    request.inputFlag = "--config";
    request.input = configPath(flags);
    Expected<std::string> config = checkpoint::readConfigText(request.input);
    if (!config) {
      return config.failure();
    }
    request.identity = hash128(*config).hex();
  }
  return runtime::compiledBundle(request);
}

static Expected<runtime::Bundle> openBundle(const ModelFlags &flags) {
  if (flags.rebuild) {
    return Failure{"--rebuild compiles a checkpoint directory, but this is a bundle", flags.model,
                   "leave --rebuild out, or make the bundle again with dsv3-compile"};
  }
  return runtime::Bundle::open(flags.model);
}

/// The directory of the checkpoint that a bundle names.
static Expected<fs::path> checkpointOf(const runtime::Bundle &bundle) {
  if (!bundle.checkpoint()) {
    return Failure{"the bundle was compiled from a configuration alone and has no weights",
                   bundle.directory().string(), "give --dummy, or compile a checkpoint"};
  }
  return bundle.directory() / *bundle.checkpoint();
}

Expected<ModelTexts> readTexts(const fs::path &directory, checkpoint::ModelConfig config) {
  Expected<checkpoint::GenerationConfig> generation = checkpoint::readGenerationConfig(directory);
  if (!generation) {
    return generation.failure();
  }
  ModelTexts texts{std::move(config), *std::move(generation), {}};
  std::error_code error;
  if (fs::exists(directory / "tokenizer.json", error)) {
    Expected<text::Tokenizer> tokenizer = text::Tokenizer::load(directory);
    if (!tokenizer) {
      return tokenizer.failure();
    }
    texts.tokenizer = *std::move(tokenizer);
  }
  return texts;
}

Expected<ModelFiles> openModel(const ModelFlags &flags) {
  if (Status source = checkSource(flags); !source) {
    return source;
  }
  std::optional<checkpoint::Checkpoint> checkpoint;
  bool isBundle = !flags.model.empty() && runtime::Bundle::isBundle(flags.model);
  auto openCheckpoint = [&](const fs::path &directory) -> Status {
    Expected<checkpoint::Checkpoint> opened = checkpoint::Checkpoint::open(directory);
    if (!opened) {
      return opened.status();
    }
    for (const std::string &note : opened->notes()) {
      say("note: " + note);
    }
    checkpoint = *std::move(opened);
    return {};
  };
  if (!isBundle && !flags.dummy) {
    if (Status opened = openCheckpoint(flags.model); !opened) {
      return opened;
    }
  }
  Expected<runtime::Bundle> bundle = isBundle ? openBundle(flags) : compileModel(flags, checkpoint);
  if (!bundle) {
    return bundle.failure();
  }
  fs::path directory = isBundle ? bundle->directory() / bundle->checkpoint().value_or("")
                                : configPath(flags).parent_path();
  if (isBundle && !flags.dummy) {
    Expected<fs::path> source = checkpointOf(*bundle);
    if (!source) {
      return source.failure();
    }
    if (Status opened = openCheckpoint(*source); !opened) {
      Failure failure = opened.failure();
      failure.hint += "\n  note: the bundle " + flags.model + " was compiled from there";
      return failure;
    }
  }
  if (checkpoint) {
    if (Status same = bundle->checkIdentity(*checkpoint); !same) {
      return same;
    }
  }
  Expected<size_t> variant =
      bundle->chooseVariant(flags.variant.empty() ? std::nullopt : std::optional(flags.variant));
  if (!variant) {
    return variant.failure();
  }
  Expected<checkpoint::ModelConfig> config = checkpoint::parseModelConfig(
      bundle->configText(), (bundle->directory() / plan::configFileName).string());
  if (!config) {
    return config.failure();
  }
  int64_t compiled = bundle->plan().cache.maxContext;
  if (flags.context > compiled) {
    runtime::ContextRoom room{compiled, compiled, config->maxPositionEmbeddings};
    return Failure{"a context of " + std::to_string(flags.context) +
                       " tokens was asked for, the model was compiled for " +
                       std::to_string(compiled),
                   "--context", room.hint("leave it out or give less")};
  }
  Expected<ModelTexts> texts = readTexts(directory, *std::move(config));
  if (!texts) {
    return texts.failure();
  }
  return ModelFiles{*std::move(bundle), *variant, std::move(checkpoint), *std::move(texts)};
}

} // namespace dsv3::cli
