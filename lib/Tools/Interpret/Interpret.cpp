//===- Interpret.cpp - score and generate on the reference interpreter ----===//
#include "dsv3/Tools/Interpret.h"

#include "RunFile.h"
#include "Session.h"
#include "dsv3/Checkpoint/SafetensorsWriter.h"
#include "dsv3/Pipelines/CheckpointModel.h"
#include "dsv3/Reference/CheckpointParameters.h"
#include "dsv3/Tools/Registration.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using dsv3::reference::Tensor;
namespace cl = llvm::cl;

namespace dsv3 {
namespace {

/// The flags; registered for the time of one call of main.
struct Flags {
  cl::OptionCategory category{"dsv3-interpret"};
  cl::SubCommand score{"score", "logits and what led to them, as a safetensors file"};
  cl::SubCommand generate{"generate", "the most probable continuation"};
  cl::SubCommand run{"run", "a file of MLIR whose functions check themselves"};

  cl::opt<std::string> model{"model",          cl::desc("checkpoint directory"),
                             cl::Required,     cl::value_desc("DIR"),
                             cl::sub(score),   cl::sub(generate),
                             cl::cat(category)};
  cl::list<int64_t> ids{"ids",
                        cl::desc("prompt as token ids"),
                        cl::CommaSeparated,
                        cl::Required,
                        cl::value_desc("0,5,7"),
                        cl::sub(score),
                        cl::sub(generate),
                        cl::cat(category)};
  cl::opt<std::string> phase{"phase",
                             cl::desc("phase whose module is run"),
                             cl::init("configured"),
                             cl::value_desc("PHASE"),
                             cl::sub(score),
                             cl::sub(generate),
                             cl::cat(category)};
  cl::opt<bool> f64{"f64",          cl::desc("do not round to f32"),
                    cl::sub(score), cl::sub(generate),
                    cl::sub(run),   cl::cat(category)};
  cl::opt<int64_t> chunk{"chunk",           cl::desc("most tokens of a step"),
                         cl::init(512),     cl::sub(score),
                         cl::sub(generate), cl::cat(category)};
  cl::opt<std::string> output{"output",       cl::desc("file to write"),
                              cl::Required,   cl::value_desc("OUT.safetensors"),
                              cl::sub(score), cl::cat(category)};
  cl::opt<bool> hidden{"hidden", cl::desc("write hidden states"), cl::sub(score),
                       cl::cat(category)};
  cl::opt<bool> router{"router", cl::desc("write experts and weights"), cl::sub(score),
                       cl::cat(category)};
  cl::opt<bool> mtp{"mtp", cl::desc("write the MTP module's logits"), cl::sub(score),
                    cl::cat(category)};
  cl::opt<int64_t> maxTokens{"max-tokens", cl::desc("tokens to generate"), cl::init(16),
                             cl::sub(generate), cl::cat(category)};
  cl::opt<double> temperature{"temperature", cl::desc("0: the most probable token; nothing else"),
                              cl::init(0.0), cl::sub(generate), cl::cat(category)};
  cl::opt<bool> printIds{"print-ids", cl::desc("ids are all that is printed anyway"),
                         cl::sub(generate), cl::cat(category)};
  cl::opt<bool> ignoreEos{"ignore-eos", cl::desc("go on after the end of the text"),
                          cl::sub(generate), cl::cat(category)};
  cl::opt<std::string> file{cl::Positional, cl::desc("FILE.mlir"), cl::Required, cl::sub(run),
                            cl::cat(category)};
  cl::opt<std::string> entry{"entry", cl::desc("function to run; all public ones if not given"),
                             cl::value_desc("NAME"), cl::sub(run), cl::cat(category)};
};

int fail(const Failure &failure) {
  llvm::errs() << "dsv3-interpret: " << failure.message() << '\n';
  return 1;
}

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
  return checkpoint::writeSafetensors(flags.output.getValue(), views);
}

int runScore(const Flags &flags, interpret::Session &session, bool hasMtp) {
  if (flags.mtp && !hasMtp) {
    return fail({"--mtp asks for the MTP module, but the checkpoint has none", flags.model,
                 "leave --mtp out"});
  }
  interpret::Scores scores;
  if (failed(session.score(ArrayRef(&*flags.ids.begin(), flags.ids.size()), scores)) ||
      (flags.mtp &&
       failed(session.scoreMtp(ArrayRef(&*flags.ids.begin(), flags.ids.size()), scores)))) {
    return 1;
  }
  Status written = writeScores(flags, scores);
  return written ? 0 : fail(written.failure());
}

/// Stops at one of `ends` and where the context is full, as dsv3-run does.
int runGenerate(const Flags &flags, interpret::Session &session, int64_t context,
                const std::vector<int64_t> &ends) {
  if (flags.temperature != 0.0) {
    return fail({"expected temperature 0, found " + std::to_string(flags.temperature), "",
                 "the interpreter takes the most probable token; sample with dsv3-run"});
  }
  std::vector<int64_t> next(flags.ids.begin(), flags.ids.end());
  for (int64_t count = 0; count < flags.maxTokens; ++count) {
    auto logits = session.advance(next);
    if (failed(logits)) {
      return 1;
    }
    int64_t id = std::max_element(logits->begin(), logits->end()) - logits->begin();
    if (!flags.ignoreEos && llvm::is_contained(ends, id)) {
      break;
    }
    llvm::outs() << (count ? "," : "") << id;
    llvm::outs().flush();
    if (static_cast<int64_t>(flags.ids.size()) + count == context) {
      break;
    }
    next = {id};
  }
  llvm::outs() << '\n';
  return 0;
}

int runTool(const Flags &flags) {
  std::optional<Phase> phase = phaseFromName(flags.phase);
  if (!phase || *phase > Phase::Configured) {
    return fail({"expected a phase from import to configured, found '" + flags.phase + "'"});
  }
  if (flags.chunk < 1) {
    return fail({"expected a chunk of at least 1 token, found " + std::to_string(flags.chunk)});
  }
  Expected<std::unique_ptr<CheckpointModel>> model = openModel(flags.model);
  if (!model) {
    return fail(model.failure());
  }
  for (const std::string &note : (*model)->notes) {
    llvm::errs() << "note: " << note << '\n';
  }
  Status mapped = (*model)->checkpoint.map();
  if (!mapped) {
    return fail(mapped.failure());
  }
  const checkpoint::ModelConfig &config = (*model)->source.config;
  for (int64_t id : flags.ids) {
    if (id < 0 || id >= config.vocabSize) {
      return fail({"expected ids from 0 to " + std::to_string(config.vocabSize - 1) + ", found " +
                   std::to_string(id)});
    }
  }
  if (auto count = static_cast<int64_t>(flags.ids.size()); count > config.maxPositionEmbeddings) {
    return fail({"expected at most " + std::to_string(config.maxPositionEmbeddings) +
                 " ids (max_position_embeddings), found " + std::to_string(count)});
  }
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  OwningOpRef<ModuleOp> module = compileTo(*phase, context, (*model)->source, {});
  if (!module) {
    return 1;
  }
  auto block =
      config.quantization ? config.quantization->weightBlockSize : std::array<int64_t, 2>{128, 128};
  reference::Interpreter machine(*module,
                                 reference::checkpointParameters((*model)->checkpoint, block),
                                 flags.f64 ? reference::Precision::F64 : reference::Precision::F32);
  interpret::Session session(*module, machine, flags.chunk);
  return flags.score
             ? runScore(flags, session, (*model)->source.options.mtp)
             : runGenerate(flags, session, config.maxPositionEmbeddings, config.eosTokenIds);
}

} // namespace

int interpretMain(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Flags flags;
  cl::HideUnrelatedOptions(flags.category, flags.score);
  cl::HideUnrelatedOptions(flags.category, flags.generate);
  cl::HideUnrelatedOptions(flags.category, flags.run);
  cl::ParseCommandLineOptions(
      argc, argv,
      "dsv3-interpret: a checkpoint on the reference interpreter\n\n"
      "Runs the module of any phase, slowly and plainly: what every faster execution is\n"
      "compared with. Reads ids and prints ids; for text use dsv3-run.\n\n"
      "example: dsv3-interpret generate --model DIR --ids 0,5,7 --phase=kernels --f64\n"
      "         dsv3-interpret run tests.mlir --entry rms_norm\n");
  if (flags.run) {
    return interpret::runFile(flags.file, flags.entry,
                              flags.f64 ? reference::Precision::F64 : reference::Precision::F32);
  }
  if (!flags.score && !flags.generate) {
    return fail({"expected a command: score, generate or run", "", "dsv3-interpret --help"});
  }
  return runTool(flags);
}

} // namespace dsv3
