//===- Interpret.cpp - score and generate on the reference interpreter ----===//
//
// The commands of dsv3-run, with the interpreter in the session's place: flags, prompts
// and output are the runtime's own.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Tools/Interpret.h"

#include "../ToolMain.h"
#include "DummyParameters.h"
#include "InterpretedModel.h"
#include "RunFile.h"
#include "dsv3/Pipelines/CheckpointModel.h"
#include "dsv3/Plan/Activations.h"
#include "dsv3/Reference/CheckpointParameters.h"
#include "dsv3/Support/BytesText.h"
#include "dsv3/Support/CommandLine.h"
#include "dsv3/Support/Cpus.h"
#include "dsv3/Support/MemoryLimits.h"
#include "dsv3/Tools/Registration.h"
#include "dsv3/Transforms/Precision.h"
#include "runtime/base/MappedFault.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/DeviceFlag.h"
#include "runtime/cli/OutputCheck.h"
#include "runtime/cli/Scores.h"
#include "runtime/cli/Streams.h"
#include "runtime/cli/TextGeneration.h"

#include <CLI/CLI.hpp>

#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>

using namespace mlir;

namespace dsv3 {
namespace {

struct Flags {
  cli::ModelFlags model;
  std::string phase, file, entry;
  bool f64 = false;
  cli::PromptFlags prompt; ///< of score
  cli::ScoreFlags score;
  cli::TextFlags text; ///< of generate
};

/// Flags of dsv3-run that ask for something of compiled code, and why there is no such thing.
constexpr std::pair<const char *, const char *> compiledOnly[] = {
    {"--variant", "the interpreter runs the module itself, not the code for a CPU"},
    {"--sim-seed", "the interpreter runs the module itself, not the code for a GPU"},
    {"--sim-check", "the interpreter runs the module itself, not the code for a GPU"},
    {"--rebuild", "the interpreter keeps nothing that could be made again"},
    {"--keep-packed", "the interpreter reads weights as they are stored and packs none"},
    {"--verify-packed", "the interpreter reads weights as they are stored and packs none"}};

std::string policyOf(const Flags &flags) {
  return flags.model.policy.empty() ? "f32" : flags.model.policy;
}

/// A model on the interpreter. Not movable: the parts refer to each other.
struct OpenedModel {
  ModelInput input; ///< without a checkpoint with --dummy
  cli::ModelTexts texts;
  int64_t contextTokens = 0;
  std::unique_ptr<llvm::DefaultThreadPool> threads;
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<reference::Interpreter> interpreter;
  std::unique_ptr<interpret::InterpretedModel> model;

  /// Opens all but the module: what a command needs is checked before that is made.
  Status find(const Flags &flags);
  /// Makes the module and what runs it. Precondition: find() succeeded.
  Status compile(const Flags &flags);
  runtime::ContextRoom room() const {
    int64_t positions = texts.config.maxPositionEmbeddings;
    return {contextTokens, positions, positions};
  }

private:
  Status openSource(const cli::ModelFlags &flags);
  Status applyContext(int64_t wanted);
  void makeContext(int threadCount);
  reference::ParameterSource parameters(const cli::ModelFlags &flags);
};

/// What is compiled, and the texts beside it.
Status OpenedModel::openSource(const cli::ModelFlags &flags) {
  if (!flags.model.empty() && runtime::Bundle::isBundle(flags.model)) {
    return Failure{"a bundle holds code, but the interpreter runs the model", flags.model,
                   "give the checkpoint directory that it was compiled from"};
  }
  std::filesystem::path config = cli::configPath(flags);
  Expected<ModelInput> opened = openInput(flags.dummy ? "" : flags.model, config.string());
  if (!opened) {
    return opened.status();
  }
  input = std::move(*opened);
  for (const std::string &note : input.notes()) {
    cli::say("note: " + note);
  }
  if (input.checkpoint) {
    if (Status mapped = input.checkpoint->checkpoint.map(); !mapped) {
      return mapped;
    }
  }
  Expected<cli::ModelTexts> read = cli::readTexts(config.parent_path(), input.source().config);
  if (!read) {
    return read.status();
  }
  texts = std::move(*read);
  return {};
}

Status OpenedModel::applyContext(int64_t wanted) {
  int64_t most = texts.config.maxPositionEmbeddings;
  if (wanted > most) {
    return Failure{"a context of " + std::to_string(wanted) +
                       " tokens was asked for, the model has positions for " + std::to_string(most),
                   "--context",
                   runtime::ContextRoom{most, most, most}.hint("leave it out or give less")};
  }
  contextTokens = wanted == 0 ? most : wanted;
  input.source().options.context = contextTokens;
  return {};
}

/// Passes and the interpreter use the threads of the context.
void OpenedModel::makeContext(int threadCount) {
  DialectRegistry registry;
  registerAllDialects(registry);
  context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  auto count = static_cast<unsigned>(threadCount > 0 ? threadCount : usefulThreads());
  if (count > 1) {
    llvm::ThreadPoolStrategy strategy;
    strategy.ThreadsRequested = count;
    strategy.UseHyperThreads = true;
    threads = std::make_unique<llvm::DefaultThreadPool>(strategy);
    context->setThreadPool(*threads);
  }
  sayDiagnostics(*context, "dsv3-interpret");
}

reference::ParameterSource OpenedModel::parameters(const cli::ModelFlags &flags) {
  const std::optional<checkpoint::Quantization> &quantization = texts.config.quantization;
  auto block = quantization ? quantization->weightBlockSize : std::array<int64_t, 2>{128, 128};
  return input.checkpoint ? reference::checkpointParameters(input.checkpoint->checkpoint, block)
                          : interpret::dummyParameters(flags.dummySeed, block);
}

Status OpenedModel::find(const Flags &flags) {
  Status opened = openSource(flags.model);
  return opened ? applyContext(flags.model.context) : opened;
}

std::string activationsOf(const cli::ModelFlags &flags) {
  return flags.activations.empty() ? "f32" : flags.activations;
}

/// The phase whose module is run.
Expected<Phase> phaseOf(const Flags &flags) {
  // Configurations are for code, and there is code for f32 alone.
  Phase last = policyOf(flags) == "f32" ? Phase::Configured : Phase::Kernels;
  std::optional<Phase> phase = flags.phase.empty() ? last : phaseFromName(flags.phase);
  if (!phase || *phase > Phase::Configured) {
    return Failure{"expected a phase from import to configured, found '" + flags.phase + "'",
                   "--phase", "one of " + phaseList(Phase::Configured)};
  }
  if (*phase == Phase::Import && policyOf(flags) != "f32") {
    return Failure{"the module of phase import is f32: policies are written in phase graph",
                   "--phase", "leave it out, or one of a later phase"};
  }
  if (*phase == Phase::Import && !cli::compileOptions(flags.model).empty()) {
    return Failure{"the module of phase import has weights as they are stored, and activations and "
                   "a cache of f32: other types come in phase graph",
                   "--phase",
                   "leave --weights, --head, --activations and --cache-type out, or give a later "
                   "phase"};
  }
  return *phase;
}

/// That the parameters of the module find room: the interpreter keeps them all, as double.
static Status checkRoom(ModuleOp module) {
  double bytes = 0; // a number of any size, and nothing to be exact about
  for (auto parameter : module.getOps<graph::ParameterOp>()) {
    auto type = cast<RankedTensorType>(parameter.getType());
    bytes += static_cast<double>(type.getNumElements()) * sizeof(double) *
             static_cast<double>(parameter.getLayers() ? parameter.getLayers()->size() : 1);
  }
  std::optional<uint64_t> available = availableMemory();
  if (!available || bytes <= static_cast<double>(*available)) {
    return {};
  }
  return Failure{"the interpreter needs " +
                     bytesText(static_cast<uint64_t>(std::min(bytes, 0x1p63))) +
                     " for weights in double precision, this machine has " + bytesText(*available) +
                     " to give",
                 "", "take a smaller model, or run this one with dsv3-run"};
}

Status OpenedModel::compile(const Flags &flags) {
  makeContext(flags.model.threads);
  PipelineOptions options;
  options.policy = policyOf(flags), options.cacheType = flags.model.cacheType;
  options.activations = activationsOf(flags.model);
  options.weights = flags.model.weights, options.head = flags.model.head;
  if (!flags.model.weightsInPlace.empty()) {
    options.weightsInPlace = flags.model.weightsInPlace;
  }
  Phase phase = *phaseOf(flags);
  module = compileTo(phase, *context, input.source(), options);
  if (!module) {
    return Failure{"the module of phase " + name(phase).str() + " cannot be made",
                   flags.model.model + flags.model.config, "see the message above"};
  }
  if (Status room = checkRoom(*module); !room) {
    return room;
  }
  interpreter = std::make_unique<reference::Interpreter>(*module, parameters(flags.model),
                                                         flags.f64 ? reference::Precision::F64
                                                                   : reference::Precision::F32);
  int64_t chunk =
      flags.model.chunk > 0 ? std::min(flags.model.chunk, options.chunk) : options.chunk;
  model = std::make_unique<interpret::InterpretedModel>(*module, *interpreter, texts.config,
                                                        contextTokens, chunk);
  return {};
}

Status runScore(const Flags &flags) {
  OpenedModel opened;
  if (Status status = opened.find(flags); !status) {
    return status;
  }
  auto prompt = cli::promptIds(flags.prompt, opened.texts, opened.room());
  if (!prompt) {
    return prompt.status();
  }
  if (flags.score.wanted.mtp) {
    if (Status mtp = cli::checkMtp(opened.input.source().options.mtp); !mtp) {
      return mtp;
    }
  }
  if (opened.input.checkpoint) {
    if (Status free =
            cli::checkOutput("--output", flags.score.output, opened.input.checkpoint->checkpoint);
        !free) {
      return free;
    }
  }
  Expected<cli::ScoreFile> file = cli::ScoreFile::create(flags.score, opened.texts.config,
                                                         static_cast<int64_t>(prompt->size()));
  if (!file) {
    return file.status();
  }
  if (Status status = opened.compile(flags); !status) {
    return status;
  }
  return cli::writeScores(*opened.model, *prompt, *std::move(file));
}

Status runGenerate(const Flags &flags) {
  OpenedModel opened;
  if (Status status = opened.find(flags); !status) {
    return status;
  }
  auto prompt = cli::generationPrompt(flags.text, opened.texts, opened.room());
  if (!prompt) {
    return prompt.status();
  }
  if (Status status = opened.compile(flags); !status) {
    return status;
  }
  return cli::generateText(*opened.model, *prompt, flags.text, opened.texts);
}

void addOpenFlags(CLI::App &command, Flags &flags) {
  cli::addModelFlags(command, flags.model);
  for (auto [flag, why] : compiledOnly) {
    command.get_option(flag)->group("Refused, being of compiled code");
  }
  command.add_option("--phase", flags.phase,
                     "phase whose module is run [the last that there is]: one of " +
                         phaseList(Phase::Configured));
  command.add_flag("--f64", flags.f64, "do not round to f32");
}

/// What is wrong with flags, whatever the model is; `command` has been parsed.
Status checkFlags(const CLI::App &command, const Flags &flags) {
  for (auto [flag, why] : compiledOnly) {
    if (command.count(flag) > 0) {
      return Failure{why, flag, std::string("leave ") + flag + " out"};
    }
  }
  if (cli::gpuOf(flags.model.device)) {
    return Failure{"the interpreter runs on CPUs alone", "--device " + flags.model.device,
                   "leave --device out, or run dsv3-run"};
  }
  for (const Status &known :
       {checkPolicy(policyOf(flags)), checkCacheType(policyOf(flags), flags.model.cacheType),
        plan::checkActivations(policyOf(flags), activationsOf(flags.model), flags.model.weights)}) {
    if (!known) {
      return known;
    }
  }
  if (Expected<Phase> phase = phaseOf(flags); !phase) {
    return phase.status();
  }
  return cli::checkSource(flags.model);
}

} // namespace

static int runTool(int argc, char **argv) {
  std::signal(SIGPIPE, SIG_DFL);
  runtime::explainMappedFaults("dsv3-interpret");
  Flags flags;
  CLI::App app("dsv3-interpret: a checkpoint on the reference interpreter\n\n"
               "Runs the module of any phase, slowly and plainly: what every faster execution is\n"
               "compared with. The commands and flags are those of dsv3-run, but for flags of\n"
               "compiled code. With --dummy the weights are those that dsv3-run makes up, too.\n\n"
               "example: dsv3-interpret generate --model DIR --ids 0,5,7 --phase=kernels --f64\n"
               "         dsv3-interpret run tests.mlir --entry rms_norm\n",
               "dsv3-interpret");
  app.require_subcommand(1);
  cli::addVersion(app);
  CLI::App *score = app.add_subcommand("score", "Writes logits and what led to them.");
  addOpenFlags(*score, flags);
  cli::addPromptFlags(*score, flags.prompt, /*withChat=*/false);
  cli::addScoreFlags(*score, flags.score);
  CLI::App *generate = app.add_subcommand("generate", "Continues a prompt.");
  addOpenFlags(*generate, flags);
  cli::addTextFlags(*generate, flags.text);
  CLI::App *run = app.add_subcommand("run", "Runs MLIR text whose functions check themselves.");
  run->add_option("FILE", flags.file, "file of .mlir text, - for stdin")->required();
  run->add_option("--entry", flags.entry, "function to run [all public ones]");
  run->add_flag("--f64", flags.f64, "do not round to f32");
  cli::refuseSenselessValues(app);
  for (CLI::App *command : {score, generate}) {
    command->callback([command, &flags] { cli::refuseUsage(checkFlags(*command, flags)); });
  }
  try {
    app.parse(wordsForCli11(argc, argv));
  } catch (const CLI::ParseError &error) {
    return cli::endParsing(app, error);
  }
  if (run->parsed()) {
    return interpret::runFile(flags.file, flags.entry,
                              flags.f64 ? reference::Precision::F64 : reference::Precision::F32);
  }
  Status status = score->parsed() ? runScore(flags) : runGenerate(flags);
  if (!status) {
    llvm::errs() << "dsv3-interpret: " << status.failure().message() << '\n';
    return exitFailure;
  }
  return 0;
}

int interpretMain(int argc, char **argv) {
  return toolMain("dsv3-interpret", argc, argv, [&] { return runTool(argc, argv); });
}

} // namespace dsv3
