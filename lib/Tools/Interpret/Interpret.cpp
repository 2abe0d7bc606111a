//===- Interpret.cpp - score and generate on the reference interpreter ----===//
//
// The commands of dsv3-run, with the interpreter in the session's place: flags, prompts
// and output are the runtime's own.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Tools/Interpret.h"

#include "../ToolMain.h"
#include "InterpretedModel.h"
#include "RunFile.h"
#include "dsv3/Pipelines/CheckpointModel.h"
#include "dsv3/Reference/CheckpointParameters.h"
#include "dsv3/Tools/Registration.h"
#include "runtime/base/MappedFault.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Scores.h"
#include "runtime/cli/TextGeneration.h"

#include "llvm/Support/raw_ostream.h"

#include <csignal>

using namespace mlir;

namespace dsv3 {
namespace {

struct Flags {
  std::string model, phase = "configured", file, entry;
  bool f64 = false;
  int64_t chunk = 512;
  cli::PromptFlags prompt; ///< of score
  cli::ScoreFlags score;
  cli::TextFlags text; ///< of generate
};

/// A checkpoint on the interpreter. Not movable: the parts refer to each other.
struct Machine {
  std::unique_ptr<CheckpointModel> checkpoint;
  cli::ModelTexts texts;
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<reference::Interpreter> interpreter;
  std::unique_ptr<interpret::InterpretedModel> model;

  Status open(const Flags &flags);
  /// The interpreter holds as many tokens as the model has positions for.
  cli::ContextRoom room() const {
    return {texts.config.maxPositionEmbeddings, texts.config.maxPositionEmbeddings};
  }
};

Status Machine::open(const Flags &flags) {
  std::optional<Phase> phase = phaseFromName(flags.phase);
  if (!phase || *phase > Phase::Configured) {
    return Failure{"expected a phase from import to configured, found '" + flags.phase + "'",
                   "--phase"};
  }
  Expected<std::unique_ptr<CheckpointModel>> opened = openModel(flags.model);
  if (!opened) {
    return opened.status();
  }
  checkpoint = std::move(*opened);
  for (const std::string &note : checkpoint->notes) {
    llvm::errs() << "note: " << note << '\n';
  }
  if (Status mapped = checkpoint->checkpoint.map(); !mapped) {
    return mapped;
  }
  const checkpoint::ModelConfig &config = checkpoint->source.config;
  Expected<cli::ModelTexts> read = cli::readTexts(flags.model, config);
  if (!read) {
    return read.status();
  }
  texts = std::move(*read);
  DialectRegistry registry;
  registerAllDialects(registry);
  context = std::make_unique<MLIRContext>(registry);
  sayDiagnostics(*context, "dsv3-interpret");
  module = compileTo(*phase, *context, checkpoint->source, {});
  if (!module) {
    return Failure{"the module of phase " + flags.phase + " cannot be made", flags.model,
                   "see the message above"};
  }
  auto block =
      config.quantization ? config.quantization->weightBlockSize : std::array<int64_t, 2>{128, 128};
  interpreter = std::make_unique<reference::Interpreter>(
      *module, reference::checkpointParameters(checkpoint->checkpoint, block),
      flags.f64 ? reference::Precision::F64 : reference::Precision::F32);
  model = std::make_unique<interpret::InterpretedModel>(*module, *interpreter, texts.config,
                                                        flags.chunk);
  return {};
}

Status runScore(const Flags &flags) {
  Machine machine;
  if (Status opened = machine.open(flags); !opened) {
    return opened;
  }
  auto prompt = cli::promptIds(flags.prompt, machine.texts, machine.room());
  if (!prompt) {
    return prompt.status();
  }
  Expected<cli::ScoreFile> file = cli::ScoreFile::create(flags.score, machine.texts.config,
                                                         static_cast<int64_t>(prompt->size()));
  if (!file) {
    return file.status();
  }
  return cli::writeScores(*machine.model, *prompt, *std::move(file));
}

Status runGenerate(const Flags &flags) {
  Machine machine;
  if (Status opened = machine.open(flags); !opened) {
    return opened;
  }
  auto prompt = cli::generationPrompt(flags.text, machine.texts, machine.room());
  if (!prompt) {
    return prompt.status();
  }
  return cli::generateText(*machine.model, *prompt, flags.text, machine.texts);
}

void addMachineFlags(CLI::App &command, Flags &flags) {
  command.add_option("--model", flags.model, "checkpoint directory")->required();
  command.add_option("--phase", flags.phase,
                     "phase whose module is run [configured]: one of " +
                         phaseList(Phase::Configured));
  command.add_flag("--f64", flags.f64, "do not round to f32");
  command.add_option("--chunk", flags.chunk, "most tokens of a step [512]")
      ->check(CLI::Range(int64_t(1), cli::mostTokens));
}

} // namespace

static int runTool(int argc, char **argv) {
  std::signal(SIGPIPE, SIG_DFL);
  runtime::explainMappedFaults("dsv3-interpret");
  Flags flags;
  CLI::App app("dsv3-interpret: a checkpoint on the reference interpreter\n\n"
               "Runs the module of any phase, slowly and plainly: what every faster execution is\n"
               "compared with. The commands and flags are those of dsv3-run.\n\n"
               "example: dsv3-interpret generate --model DIR --ids 0,5,7 --phase=kernels --f64\n"
               "         dsv3-interpret run tests.mlir --entry rms_norm\n",
               "dsv3-interpret");
  app.require_subcommand(1);
  CLI::App *score = app.add_subcommand("score", "Writes logits and what led to them.");
  addMachineFlags(*score, flags);
  cli::addPromptFlags(*score, flags.prompt, /*withChat=*/false);
  cli::addScoreFlags(*score, flags.score);
  CLI::App *generate = app.add_subcommand("generate", "Continues a prompt.");
  addMachineFlags(*generate, flags);
  cli::addTextFlags(*generate, flags.text);
  CLI::App *run = app.add_subcommand("run", "Runs MLIR text whose functions check themselves.");
  run->add_option("FILE", flags.file, "file of .mlir text, - for stdin")->required();
  run->add_option("--entry", flags.entry, "function to run [all public ones]");
  run->add_flag("--f64", flags.f64, "do not round to f32");
  try {
    app.parse(argc, argv);
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
    return 1;
  }
  return 0;
}

int interpretMain(int argc, char **argv) {
  return toolMain("dsv3-interpret", argc, argv, [&] { return runTool(argc, argv); });
}

} // namespace dsv3
