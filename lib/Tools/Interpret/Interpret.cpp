//===- Interpret.cpp - score and generate on the reference interpreter ----===//
//
// The commands of dsv3-run, with the interpreter in the session's place: flags, prompts
// and output are the runtime's own.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Tools/Interpret.h"

#include "RunFile.h"
#include "Session.h"
#include "dsv3/Checkpoint/SafetensorsWriter.h"
#include "dsv3/Pipelines/CheckpointModel.h"
#include "dsv3/Reference/CheckpointParameters.h"
#include "dsv3/Tools/Registration.h"
#include "runtime/cli/TextGeneration.h"

#include <CLI/CLI.hpp>

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>

using namespace mlir;
using dsv3::reference::Tensor;

namespace dsv3 {
namespace {

struct Flags {
  std::string model, phase = "configured", output, file, entry;
  bool f64 = false, hidden = false, router = false, mtp = false;
  int64_t chunk = 512;
  cli::PromptFlags prompt; ///< of score
  cli::TextFlags text;     ///< of generate
};

/// Writes what was asked for; everything but expert numbers as f32.
Status writeScores(const Flags &flags, interpret::Scores &scores) {
  std::vector<checkpoint::TensorView> views;
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<int32_t>> integers;
  floats.reserve(scores.size());
  integers.reserve(scores.size());
  for (auto &[name, tensor] : scores) {
    llvm::StringRef key = name;
    bool wanted = key == "logits" || key == "mtp_logits" || (key == "hidden" && flags.hidden) ||
                  (key.starts_with("router.") && flags.router);
    if (!wanted) {
      continue;
    }
    checkpoint::TensorView view{{name, DType::F32, tensor.shape()}, {}};
    if (key.ends_with(".experts")) {
      view.spec.dtype = DType::I32;
      integers.emplace_back(tensor.data(), tensor.data() + tensor.size());
      view.data = std::as_bytes(std::span(integers.back()));
    } else {
      floats.emplace_back(tensor.data(), tensor.data() + tensor.size());
      view.data = std::as_bytes(std::span(floats.back()));
    }
    views.push_back(view);
  }
  return checkpoint::writeSafetensors(flags.output, views);
}

/// A checkpoint on the interpreter. Not movable: the parts refer to each other.
struct Machine {
  std::unique_ptr<CheckpointModel> checkpoint;
  cli::ModelTexts texts;
  std::unique_ptr<MLIRContext> context;
  OwningOpRef<ModuleOp> module;
  std::unique_ptr<reference::Interpreter> interpreter;
  std::unique_ptr<interpret::Session> session;

  Status open(const Flags &flags);
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
  session = std::make_unique<interpret::Session>(*module, *interpreter, flags.chunk);
  return {};
}

/// The interpreter as what generation needs.
class InterpretedModel : public runtime::LanguageModel {
public:
  explicit InterpretedModel(Machine &machine) : machine(machine) {}
  int64_t vocabulary() const override { return machine.texts.config.vocabSize; }
  int64_t context() const override { return machine.texts.config.maxPositionEmbeddings; }
  int64_t position() const override { return tokens; }
  bool cancelled() const override { return false; }
  Status append(std::span<const int32_t> ids) override {
    SmallVector<int64_t> wide(ids.begin(), ids.end());
    auto row = machine.session->advance(wide);
    if (failed(row)) {
      return Failure{"the interpreter stopped", "", "see the message above"};
    }
    tokens += static_cast<int64_t>(ids.size());
    last.assign(row->begin(), row->end());
    return {};
  }
  std::span<const float> logits() const override { return last; }

private:
  Machine &machine;
  int64_t tokens = 0;
  std::vector<float> last;
};

Status runScore(const Flags &flags) {
  Machine machine;
  if (Status opened = machine.open(flags); !opened) {
    return opened;
  }
  if (flags.mtp && !machine.checkpoint->source.options.mtp) {
    return Failure{"--mtp asks for the MTP module, but the checkpoint has none", flags.model,
                   "leave --mtp out"};
  }
  auto prompt =
      cli::promptIds(flags.prompt, machine.texts, machine.texts.config.maxPositionEmbeddings);
  if (!prompt) {
    return prompt.status();
  }
  SmallVector<int64_t> ids(prompt->begin(), prompt->end());
  interpret::Scores scores;
  if (failed(machine.session->score(ids, scores)) ||
      (flags.mtp && failed(machine.session->scoreMtp(ids, scores)))) {
    return Failure{"the interpreter stopped", "", "see the message above"};
  }
  return writeScores(flags, scores);
}

Status runGenerate(const Flags &flags) {
  Machine machine;
  if (Status opened = machine.open(flags); !opened) {
    return opened;
  }
  auto prompt =
      cli::generationPrompt(flags.text, machine.texts, machine.texts.config.maxPositionEmbeddings);
  if (!prompt) {
    return prompt.status();
  }
  InterpretedModel model(machine);
  return cli::generateText(model, *prompt, flags.text, machine.texts);
}

void addMachineFlags(CLI::App &command, Flags &flags) {
  command.add_option("--model", flags.model, "checkpoint directory")->required();
  command.add_option("--phase", flags.phase, "phase whose module is run [configured]");
  command.add_flag("--f64", flags.f64, "do not round to f32");
  command.add_option("--chunk", flags.chunk, "most tokens of a step [512]")
      ->check(CLI::Range(int64_t(1), cli::mostTokens));
}

} // namespace

int interpretMain(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_IGN); // LLVM takes it for a crash; the write fails and says so
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
  score->add_option("--output", flags.output, "file to write")->required();
  score->add_flag("--hidden", flags.hidden, "write hidden states");
  score->add_flag("--router", flags.router, "write experts and weights");
  score->add_flag("--mtp", flags.mtp, "write the MTP module's logits");
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
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      return app.exit(error); // --help
    }
    llvm::errs() << "dsv3-interpret: " << error.what() << "\n  hint: dsv3-interpret --help\n";
    return 2;
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

} // namespace dsv3
