//===- Compile.cpp - from a checkpoint or a config to a bundle ------------===//
#include "dsv3/Tools/Compile.h"

#include "../ToolMain.h"
#include "Bundle.h"
#include "CompileFlags.h"
#include "DumpPhase.h"
#include "Explain.h"
#include "OutputPlaces.h"
#include "Report.h"
#include "dsv3/Conversion/KernelToPlan.h"
#include "dsv3/Pipelines/CheckpointModel.h"
#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/BytesText.h"
#include "dsv3/Support/CommandLine.h"
#include "dsv3/Support/Cpus.h"
#include "dsv3/Support/MemoryLimits.h"
#include "dsv3/Target/Plan.h"
#include "dsv3/Tools/Registration.h"

#include <CLI/CLI.hpp>

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <filesystem>
#include <sstream>

using namespace mlir;

namespace dsv3 {
namespace {

int fail(const Failure &failure, int code = exitFailure) {
  llvm::errs() << "dsv3-compile: " << failure.message() << '\n';
  return code;
}

/// What is compiled, however it was named.
Expected<ModelInput> inputOf(const compile::Flags &flags) {
  Expected<ModelInput> input = openInput(flags.model, flags.config);
  if (input) {
    for (const std::string &note : input->notes()) {
      llvm::errs() << "note: " << note << '\n';
    }
  }
  return input;
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
Status checkPlan(const compile::Flags &flags, const plan::Plan &plan) {
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
std::vector<compile::Alternative> smallerPlans(const compile::Flags &flags, ModelInput &input,
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
int finish(const compile::Flags &flags, ModelInput &input, const PipelineOptions &options,
           ModuleOp module, Phase last, std::chrono::steady_clock::time_point start) {
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
  compile::BundleParts parts{std::move(*plan), input.configText,        "",
                             flags.dumpPhases, flags.target.precompile, flags.target.lineInfo};
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
int runPhases(const compile::Flags &flags, ModelInput &input, const PipelineOptions &options,
              Phase last, compile::Remarks &remarks, std::chrono::steady_clock::time_point start) {
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
    if (!flags.explain.kernel.empty() && failed(explanation.observe(phase, module))) {
      return failure();
    }
    return flags.dumpPhases.empty() ? success() : dumpModule(flags.dumpPhases, phase, module);
  };
  last = flags.explain.kernel.empty() ? last : Phase::Configured;
  OwningOpRef<ModuleOp> module =
      compileTo(std::min(last, Phase::Configured), context, input.source(), options, observer);
  if (!module) {
    return 1;
  }
  if (!flags.explain.kernel.empty()) {
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

int runTool(const compile::Flags &flags) {
  auto start = std::chrono::steady_clock::now();
  Expected<Phase> last = compile::checkFlags(flags);
  if (!last) {
    return fail(last.failure(), exitUsage);
  }
  Expected<ModelInput> input = inputOf(flags);
  if (!input) {
    return fail(input.failure());
  }
  PipelineOptions options;
  if (Status applied = compile::applyFlags(flags, input->source(), options); !applied) {
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
  compile::Flags flags;
  CLI::App app("dsv3-compile: from a checkpoint or a config.json to a bundle", "dsv3-compile");
  compile::declareFlags(app, flags);
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
