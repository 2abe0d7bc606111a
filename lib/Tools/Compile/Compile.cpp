//===- Compile.cpp - from a checkpoint or a config to a bundle ------------===//
#include "dsv3/Tools/Compile.h"

#include "../ToolMain.h"
#include "Bundle.h"
#include "DumpPhase.h"
#include "Explain.h"
#include "OutputPlaces.h"
#include "Remarks.h"
#include "Report.h"
#include "TargetFlags.h"
#include "dsv3/Conversion/KernelToPlan.h"
#include "dsv3/Pipelines/CheckpointModel.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/BytesText.h"
#include "dsv3/Support/CommandLine.h"
#include "dsv3/Support/Cpus.h"
#include "dsv3/Support/MemoryLimits.h"
#include "dsv3/Target/Plan.h"
#include "dsv3/Tools/Registration.h"
#include "dsv3/Transforms/Precision.h"

#include <CLI/CLI.hpp>

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <filesystem>
#include <sstream>

using namespace mlir;

namespace dsv3 {
namespace {

struct Flags {
  std::string model, config, output, policy = "f32", cacheType, activations = "f32", weights, head;
  std::string stopAfter, dumpPhases, explain;
  compile::RemarkFlags remarks;
  bool planOnly = false, observeInputs = false;
  std::optional<int64_t> context;
  int64_t batch = 1, rows = 16, chunk = 512;
  compile::TargetFlags target;
};

/// CLI11, as in dsv3-run: LLVM's own options would collide with names of ours.
void declareFlags(CLI::App &app, Flags &flags) {
  app.set_version_flag("--version", versionText(app.get_name()), "print the version");
  app.add_option("--model", flags.model, "checkpoint directory")->type_name("DIR");
  app.add_option("--config", flags.config, "config.json alone: types as published, no weights")
      ->type_name("FILE");
  app.add_option("-o,--output", flags.output, "bundle to write")->type_name("BUNDLE");
  app.add_flag("--plan-only", flags.planOnly,
               "say what it needs and whether it fits; write nothing");
  app.add_option("--context", flags.context, "most tokens of a request [max_position_embeddings]")
      ->type_name("N");
  app.add_option("--batch", flags.batch, "most requests at a time [1]")->type_name("N");
  app.add_option("--rows", flags.rows, "most tokens of a step with absorbed attention [16]")
      ->type_name("N");
  app.add_option("--chunk", flags.chunk, "most tokens of a step [512]")->type_name("N");
  app.add_option("--policy", flags.policy,
                 "precision: f32, bf16 or w8a8 [f32]; CPUs have code for f32 alone, sm_80 has\n"
                 "none for w8a8")
      ->type_name("NAME");
  app.add_option("--cache-type", flags.cacheType,
                 "elements of the latent cache under policy f32: f32, bf16, f16 [f32]")
      ->type_name("NAME");
  app.add_option(
         "--activations", flags.activations,
         "rows of products under policy f32 [f32]: bf16 with BF16 weights, int8 with weights\n"
         "encoded as int8 or int4; faster on CPUs, and less exact")
      ->type_name("NAME");
  app.add_option(
         "--weights", flags.weights,
         "encode the weights of large products when they are packed: bf16, fp8, int8, int4\n"
         "[as stored]")
      ->type_name("NAME");
  app.add_option("--head", flags.head, "encode the head: bf16, fp8, int8 [as stored]")
      ->type_name("NAME");
  app.add_flag("--observe-inputs", flags.observeInputs,
               "let the rows be seen that weights are multiplied with: dsv3-run --calibration");
  app.add_option("--target", flags.target.targets, "cpu, cuda or both, comma-separated [cpu]")
      ->delimiter(',')
      ->type_name("NAME");
  app.add_option("--variant", flags.target.variants, "CPUs to make code for, comma-separated [all]")
      ->delimiter(',')
      ->type_name("NAME");
  app.add_option("--arch", flags.target.architectures, "GPUs to make code for, with --target=cuda")
      ->delimiter(',')
      ->type_name("NAME");
  app.add_option(
         "--tensor-cores", flags.target.tensorCores,
         "instructions for many rows of bf16 or FP8 codes on an H100 or H200: mma, or wgmma,\n"
         "which is up to four times as fast with FP8 codes [wgmma]")
      ->type_name("NAME");
  app.add_flag(
      "--weights-in-place", flags.target.weightsInPlace,
      "let CPUs read bf16 weights where the checkpoint has them: nothing is packed nor in\n"
      "memory twice; one token is about as fast, 2 to 16 at once are slower");
  app.add_flag("--precompile", flags.target.precompile,
               "compile code for GPUs with NVRTC now, not when it is loaded");
  app.add_option("--stop-after", flags.stopAfter,
                 "print the module of a phase instead: one of " + phaseList(Phase::Planned))
      ->type_name("PHASE");
  app.add_option("--dump-phases", flags.dumpPhases,
                 "write what each phase gives: modules, at last LLVM IR and assembly")
      ->type_name("DIR");
  app.add_option("--explain", flags.explain,
                 "say of one kernel what is fused into it, which configurations it has and why,\n"
                 "and who launches it; write nothing")
      ->type_name("@KERNEL");
  app.add_option("--remarks", flags.remarks.lines,
                 "say what the passes decided, a line each [all that match]")
      ->expected(0, 1)
      ->default_str(".*")
      ->option_text("[=REGEX]");
  app.add_option("--remarks-output-file", flags.remarks.file, "write all remarks as YAML")
      ->type_name("FILE");
  app.footer("examples: dsv3-compile --model DIR -o BUNDLE\n"
             "          dsv3-compile --config config.json --plan-only --context 8192\n"
             "          dsv3-compile --model DIR --target=cpu,cuda --arch=sm_90a -o BUNDLE\n"
             "          dsv3-compile --model DIR --stop-after=fused\n"
             "          dsv3-compile --model DIR --plan-only --remarks=missed\n"
             "          dsv3-compile --model DIR --explain=@decode.lm_head");
  for (CLI::Option *option : app.get_options()) {
    if (option->get_type_size() > 0 && option->get_expected_min() > 0) {
      option->check(refuseEmpty);
    }
  }
}

int fail(const Failure &failure, int code = exitFailure) {
  llvm::errs() << "dsv3-compile: " << failure.message() << '\n';
  return code;
}

/// What is compiled, however it was named.
Expected<ModelInput> inputOf(const Flags &flags) {
  Expected<ModelInput> input = openInput(flags.model, flags.config);
  if (input) {
    for (const std::string &note : input->notes()) {
      llvm::errs() << "note: " << note << '\n';
    }
  }
  return input;
}

Status checkRange(const char *flag, int64_t value, int64_t least, int64_t most,
                  const char *hint = "") {
  if (value >= least && value <= most) {
    return {};
  }
  return Failure{"expected " + std::to_string(least) + " to " + std::to_string(most) + ", found " +
                     std::to_string(value),
                 flag, hint};
}

/// What the command makes: a bundle, or something to print.
Status checkProduct(const Flags &flags, Phase last) {
  bool prints = last <= Phase::Planned || !flags.explain.empty() || flags.planOnly;
  if (!prints && flags.output.empty()) {
    return flags.stopAfter.empty()
               ? Failure{"expected -o BUNDLE, --plan-only, --stop-after or --explain", "",
                         "dsv3-compile --help"}
               : Failure{"what is emitted is a bundle: expected -o BUNDLE", "--stop-after=emitted",
                         "give -o, or an earlier phase to see its module"};
  }
  if (prints && !flags.output.empty()) {
    return Failure{"--plan-only, --explain and --stop-after before phase emitted write no bundle: "
                   "expected none of them beside -o",
                   "", "dsv3-compile --help"};
  }
  return {};
}

/// The phase to stop after. Fails where the command line makes no sense, whatever the model.
Expected<Phase> checkFlags(const Flags &flags) {
  std::optional<Phase> last =
      flags.stopAfter.empty() ? Phase::Emitted : phaseFromName(flags.stopAfter);
  if (!last) {
    return Failure{"expected a phase, found '" + flags.stopAfter + "'", "--stop-after",
                   "one of " + phaseList(Phase::Planned) + "; or emitted, with -o BUNDLE"};
  }
  if (flags.model.empty() == flags.config.empty()) {
    return Failure{"expected either --model or --config", "", "dsv3-compile --help"};
  }
  for (const Status &status :
       {checkProduct(flags, *last),
        checkRange("--context", flags.context.value_or(1), 1, checkpoint::ConfigLimits::positions),
        checkRange("--batch", flags.batch, 1, 4096), checkRange("--rows", flags.rows, 1, 1024),
        checkRange("--chunk", flags.chunk, 1, 65536), checkPolicy(flags.policy),
        checkCacheType(flags.policy, flags.cacheType), checkEncodings(flags.weights, flags.head),
        checkActivations(flags.policy, flags.activations, flags.weights),
        compile::wantedVariants(flags.target, flags.activations).status()}) {
    if (!status) {
      return status;
    }
  }
  return *last;
}

/// Numbers of flags for the importer and the passes, as far as the model allows them.
Status applyFlags(const Flags &flags, ModelSource &source, PipelineOptions &options) {
  int64_t positions = source.config.maxPositionEmbeddings;
  int64_t context = flags.context.value_or(positions);
  if (Status status = checkRange(
          "--context", context, 1, positions,
          "config.json says with max_position_embeddings how far the model can look back");
      !status) {
    return status;
  }
  source.options.context = context;
  source.options.requests = flags.batch;
  options.policy = flags.policy, options.cacheType = flags.cacheType;
  options.activations = flags.activations;
  options.weights = flags.weights, options.head = flags.head;
  options.observeInputs = flags.observeInputs;
  options.rows = std::min<int64_t>(flags.rows, flags.chunk);
  options.chunk = flags.chunk;
  if (!flags.target.tensorCores.empty()) {
    options.tensorCores = flags.target.tensorCores;
  }
  options.weightsInPlace = flags.target.weightsInPlace;
  options.variants = *compile::wantedVariants(flags.target, flags.activations); // checked before
  return {};
}

/// Writes the module of a phase as NUMBER-PHASE.mlir.
LogicalResult dumpModule(const std::string &directory, Phase phase, ModuleOp module) {
  Status dumped = compile::dump(directory, phase, ".mlir", compile::textOf(module));
  return success(dumped || fail(dumped.failure()) == 0);
}

/// The module of a phase on stdout.
int printModule(ModuleOp module) {
  module.print(llvm::outs()); // ends the line
  return 0;
}

/// A plan that an executor would refuse. The compiler's own work is checked here too, but
/// what a person meets is a config.json whose sizes are beyond all bounds.
Status checkPlan(const Flags &flags, const plan::Plan &plan) {
  Status valid = plan::validate(plan);
  if (valid) {
    return {};
  }
  llvm::StringRef what = valid.failure().what;
  what.consume_front("invalid plan: ");
  auto config = flags.model.empty() ? std::filesystem::path(flags.config)
                                    : std::filesystem::path(flags.model) / "config.json";
  return Failure{"makes no plan that can be run: " + valid.failure().where + ": " + what.str(),
                 config.string(), "make its sizes smaller, or --context, --batch and --chunk"};
}

double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Plans with smaller weights, for a report on a model that does not fit as it is stored.
std::vector<compile::Alternative> smallerPlans(const Flags &flags, ModelInput &input,
                                               const PipelineOptions &options) {
  std::vector<compile::Alternative> found;
  if (!flags.weights.empty() || !flags.head.empty() || flags.policy != "f32") {
    return found;
  }
  for (const char *weights : {"int8", "int4"}) {
    PipelineOptions smaller = options;
    smaller.weights = weights, smaller.head = "int8";
    DialectRegistry registry;
    registerAllDialects(registry);
    MLIRContext context(registry);
    OwningOpRef<ModuleOp> module =
        compileTo(Phase::Configured, context, input.source(), smaller, nullptr);
    FailureOr<plan::Plan> plan = module ? planModule(*module) : FailureOr<plan::Plan>();
    if (succeeded(plan)) {
      found.push_back({std::string("--weights ") + weights + " --head int8", *std::move(plan)});
    }
  }
  return found;
}

/// From the configured module to the text of the plan, the report or the bundle.
int finish(const Flags &flags, ModelInput &input, const PipelineOptions &options, ModuleOp module,
           Phase last, std::chrono::steady_clock::time_point start) {
  FailureOr<plan::Plan> plan = planModule(module);
  if (failed(plan)) {
    return 1;
  }
  if (Status valid = checkPlan(flags, *plan); !valid) {
    return fail(valid.failure());
  }
  if (last == Phase::Planned || !flags.dumpPhases.empty()) {
    OwningOpRef<ModuleOp> text = toModule(*module.getContext(), *plan);
    if (!text || (!flags.dumpPhases.empty() &&
                  failed(dumpModule(flags.dumpPhases, Phase::Planned, *text)))) {
      return 1;
    }
    if (last == Phase::Planned) {
      return printModule(*text);
    }
  }
  if (flags.planOnly) {
    llvm::outs() << compile::planReport(input.source().config, *plan,
                                        {availableMemory(), usefulThreads()},
                                        [&] { return smallerPlans(flags, input, options); });
    return 0;
  }
  plan::MemoryNeeds needs = plan::memoryNeeds(*plan, 0);
  uint64_t cache = plan::fullCacheBytes(plan->cache);
  size_t kernels = plan->kernels.size(), variants = plan->variants.size();
  compile::BundleParts parts{std::move(*plan), input.configText, "", flags.dumpPhases,
                             flags.target.precompile};
  if (input.checkpoint) {
    std::error_code error;
    auto path = std::filesystem::absolute(input.checkpoint->checkpoint.directory(), error);
    if (error) {
      return fail({"has no absolute path: " + error.message(), flags.model,
                   "run this in a directory that exists"});
    }
    parts.checkpoint = path.lexically_normal().string();
  }
  if (Status written = compile::writeBundle(module, std::move(parts), flags.output); !written) {
    return fail(written.failure());
  }
  llvm::errs() << "compiled " << kernels << " kernels for " << variants
               << (variants == 1 ? " variant" : " variants")
               << llvm::format(" in %.1f s\n", secondsSince(start)) << "weights "
               << bytesText(needs.weights) << ", arena " << bytesText(needs.arena)
               << ", cache up to " << bytesText(cache) << '\n';
  return 0;
}

/// Tells a person who has waited for two seconds that it goes on.
void sayIfSlow(Phase made, std::chrono::steady_clock::time_point start) {
  constexpr double silent = 2;
  if (double seconds = secondsSince(start); seconds > silent) {
    llvm::errs() << "phase " << name(made) << " is made"
                 << llvm::format(", after %.1f s\n", seconds);
  }
}

/// From the input to what was asked for.
int runPhases(const Flags &flags, ModelInput &input, const PipelineOptions &options, Phase last,
              compile::Remarks &remarks, std::chrono::steady_clock::time_point start) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  sayDiagnostics(context, "dsv3-compile");
  if (Status collected = remarks.collect(context); !collected) {
    return fail(collected.failure(), exitUsage); // no regular expression
  }
  compile::Explanation explanation(flags.explain, options);
  PhaseObserver observer = [&](Phase phase, ModuleOp module) {
    if (!flags.output.empty() || llvm::errs().is_displayed()) {
      sayIfSlow(phase, start); // elsewhere what lies on stderr is for a program to read
    }
    if (!flags.explain.empty() && failed(explanation.observe(phase, module))) {
      return failure();
    }
    return flags.dumpPhases.empty() ? success() : dumpModule(flags.dumpPhases, phase, module);
  };
  last = flags.explain.empty() ? last : Phase::Configured;
  OwningOpRef<ModuleOp> module =
      compileTo(std::min(last, Phase::Configured), context, input.source(), options, observer);
  if (!module) {
    return 1;
  }
  if (!flags.explain.empty()) {
    Expected<std::string> text = explanation.text(*module);
    if (!text) {
      return fail(text.failure());
    }
    llvm::outs() << *text;
    return 0;
  }
  if (last <= Phase::Configured) {
    return printModule(*module);
  }
  return finish(flags, input, options, *module, last, start);
}

int runTool(const Flags &flags) {
  auto start = std::chrono::steady_clock::now();
  Expected<Phase> last = checkFlags(flags);
  if (!last) {
    return fail(last.failure(), exitUsage);
  }
  Expected<ModelInput> input = inputOf(flags);
  if (!input) {
    return fail(input.failure());
  }
  PipelineOptions options;
  if (Status applied = applyFlags(flags, input->source(), options); !applied) {
    return fail(applied.failure());
  }
  if (Status free = compile::checkPlaces({flags.output, flags.remarks.file, flags.dumpPhases},
                                         *input, flags.config);
      !free) {
    return fail(free.failure());
  }
  compile::Remarks remarks(flags.remarks);
  int result = runPhases(flags, *input, options, *last, remarks, start);
  // Of a failed compilation too: they tell how far it came.
  if (Status written = remarks.write(); !written) {
    return fail(written.failure());
  }
  return result;
}

} // namespace

static int parseAndRun(int argc, char **argv) {
  Flags flags;
  CLI::App app("dsv3-compile: from a checkpoint or a config.json to a bundle", "dsv3-compile");
  declareFlags(app, flags);
  try {
    app.parse(wordsForCli11(argc, argv));
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      std::ostringstream text; // of --help or --version
      app.exit(error, text);
      llvm::outs() << text.str();
      return 0;
    }
    llvm::errs() << "dsv3-compile: " << error.what() << "\n  hint: dsv3-compile --help\n";
    return exitUsage;
  }
  return runTool(flags);
}

int compileMain(int argc, char **argv) {
  return toolMain("dsv3-compile", argc, argv, [&] { return parseAndRun(argc, argv); });
}

} // namespace dsv3
