//===- CompileFlags.cpp - the flags of dsv3-compile -----------------------===//
#include "CompileFlags.h"

#include "dsv3/Plan/Activations.h"
#include "dsv3/Plan/Chip.h"
#include "dsv3/Support/CommandLine.h"
#include "dsv3/Transforms/Precision.h"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace dsv3::compile {

static void declareSizes(CLI::App &app, Flags &flags) {
  app.add_option("--context", flags.context, "most tokens of a request [max_position_embeddings]")
      ->type_name("N");
  app.add_option("--batch", flags.batch, "most requests at a time [1]")->type_name("N");
  app.add_option("--rows", flags.rows, "most tokens of a step with absorbed attention [16]")
      ->type_name("N");
  app.add_option("--chunk", flags.chunk, "most tokens of a step [512]")->type_name("N");
}

static void declarePrecision(CLI::App &app, Flags &flags) {
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
         "encoded as int8 or int4; less exact, and on CPUs faster, bf16 for prompts alone")
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
}

static void declareTarget(CLI::App &app, TargetFlags &flags) {
  app.add_option("--target", flags.targets, "cpu, cuda or both, comma-separated [cpu]")
      ->delimiter(',')
      ->type_name("NAME");
  app.add_option("--variant", flags.variants, "CPUs to make code for, comma-separated [all]")
      ->delimiter(',')
      ->type_name("NAME");
  app.add_option("--arch", flags.architectures, "GPUs to make code for, with --target=cuda")
      ->delimiter(',')
      ->type_name("NAME");
  app.add_option(
         "--tensor-cores", flags.tensorCores,
         "instructions for many rows of bf16 or FP8 codes on an H100 or H200: mma, or wgmma,\n"
         "which is up to four times as fast with FP8 codes [wgmma]")
      ->type_name("NAME");
  app.add_option(
         "--weights-in-place", flags.weightsInPlace,
         "which bf16 weights CPUs read where the checkpoint has them, which packs nothing and\n"
         "has nothing in memory twice: none; experts; all, dense ones too, where several\n"
         "tokens at once are slower [experts]")
      ->type_name("NAME");
  app.add_flag("--precompile", flags.precompile,
               "compile code for GPUs with NVRTC now, not when it is loaded");
  app.add_flag(
      "--line-info", flags.lineInfo,
      "let the text of kernels for GPUs name the lines of configured.mlir, the module that\n"
      "it was printed from, which is put into the bundle: NVRTC, profilers and the\n"
      "simulated GPU tell these");
}

/// What shows the work on the way to the bundle.
static void declareInsights(CLI::App &app, Flags &flags) {
  app.add_option("--stop-after", flags.stopAfter,
                 "print the module of a phase instead: one of " + phaseList(Phase::Planned))
      ->type_name("PHASE");
  app.add_option("--dump-phases", flags.dumpPhases,
                 "write what each phase gives: modules, at last LLVM IR and assembly")
      ->type_name("DIR");
  app.add_option("--explain", flags.explain.kernel,
                 "say of one kernel what is fused into it, which configurations it has and why,\n"
                 "and who launches it; for GPUs registers, memory, occupancy and roofline\n"
                 "(NVRTC's code of it is kept in the cache); write nothing else")
      ->type_name("@KERNEL");
  app.add_option("--chip", flags.explain.chip,
                 "with --explain: the GPU of occupancy and roofline, one of\n" + plan::chipNames() +
                     " [the first that suits --arch]")
      ->type_name("NAME");
  app.add_option("--tokens", flags.explain.tokens,
                 "with --explain: tokens of the step of the roofline [most of the kernel's]")
      ->type_name("N");
  app.add_option(
         "--depth", flags.explain.depth,
         "with --explain: tokens that are cached before it [4096, or what --context allows]")
      ->type_name("N");
  app.add_option("--remarks", flags.remarks.lines,
                 "say what the passes decided, a line each [all that match]")
      ->expected(0, 1)
      ->default_str(".*")
      ->option_text("[=REGEX]");
  app.add_option("--remarks-output-file", flags.remarks.file, "write all remarks as YAML")
      ->type_name("FILE");
}

/// CLI11, as in dsv3-run: LLVM's own options would collide with names of ours.
void declareFlags(CLI::App &app, Flags &flags) {
  app.set_version_flag("--version", versionText(app.get_name()), "print the version");
  app.add_option("--model", flags.model, "checkpoint directory")->type_name("DIR");
  app.add_option("--config", flags.config, "config.json alone: types as published, no weights")
      ->type_name("FILE");
  app.add_option("-o,--output", flags.output, "bundle to write")->type_name("BUNDLE");
  app.add_flag("--plan-only", flags.planOnly,
               "say what it needs and whether it fits; write nothing");
  declareSizes(app, flags);
  declarePrecision(app, flags);
  declareTarget(app, flags.target);
  declareInsights(app, flags);
  app.footer("examples: dsv3-compile --model DIR -o BUNDLE\n"
             "          dsv3-compile --config config.json --plan-only --context 8192\n"
             "          dsv3-compile --model DIR --target=cpu,cuda --arch=sm_90a -o BUNDLE\n"
             "          dsv3-compile --model DIR --stop-after=fused\n"
             "          dsv3-compile --model DIR --plan-only --remarks=missed\n"
             "          dsv3-compile --model DIR --explain=@decode.lm_head\n"
             "          dsv3-compile --model DIR --target=cuda --arch=sm_90a --chip=h200 \\\n"
             "            --explain=@prefill.linear");
  for (CLI::Option *option : app.get_options()) {
    if (option->get_type_size() > 0 && option->get_expected_min() > 0) {
      option->check(refuseEmpty);
    }
    if (isNumberType(option->get_type_name())) {
      option->check(refuseOtherBase);
    }
  }
}

static Status checkRange(const char *flag, int64_t value, int64_t least, int64_t most,
                         const char *hint = "") {
  if (value >= least && value <= most) {
    return {};
  }
  return Failure{"expected " + std::to_string(least) + " to " + std::to_string(most) + ", found " +
                     std::to_string(value),
                 flag, hint};
}

/// What the command makes: a bundle, or something to print.
static Status checkProduct(const Flags &flags, Phase last) {
  int prints =
      int(last <= Phase::Planned) + int(!flags.explain.kernel.empty()) + int(flags.planOnly);
  if (prints == 0 && flags.output.empty()) {
    return flags.stopAfter.empty()
               ? Failure{"expected -o BUNDLE, --plan-only, --stop-after or --explain", "",
                         "dsv3-compile --help"}
               : Failure{"what is emitted is a bundle: expected -o BUNDLE", "--stop-after=emitted",
                         "give -o, or an earlier phase to see its module"};
  }
  if (prints > 1) {
    return Failure{"expected one of --plan-only, --explain and --stop-after, found " +
                       std::to_string(prints) + " of them",
                   "", "each prints something else: run the command once for each"};
  }
  if (prints == 1 && !flags.output.empty()) {
    return Failure{"--plan-only, --explain and --stop-after before phase emitted write no bundle: "
                   "expected none of them beside -o",
                   "", "dsv3-compile --help"};
  }
  return {};
}

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
        plan::checkActivations(flags.policy, flags.activations, flags.weights),
        checkRange("--tokens", flags.explain.tokens.value_or(1), 1, 65536),
        checkRange("--depth", flags.explain.depth.value_or(0), 0,
                   checkpoint::ConfigLimits::positions)}) {
    if (!status) {
      return status;
    }
  }
  Expected<std::vector<std::string>> variants = wantedVariants(flags.target, flags.activations);
  if (variants && *last > Phase::Kernels && flags.policy != "f32" &&
      llvm::any_of(*variants, [](const std::string &one) { return plan::findCpuVariant(one); })) {
    return Failure{"CPUs have code for policy f32 alone, found " + flags.policy, "--policy",
                   "leave it out, give --target=cuda, or stop after phase kernels"};
  }
  Status explained = variants ? checkExplain(flags.explain, *variants) : variants.status();
  return explained ? Expected<Phase>(*last) : explained;
}

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
  if (!flags.target.weightsInPlace.empty()) {
    options.weightsInPlace = flags.target.weightsInPlace;
  }
  options.variants = *wantedVariants(flags.target, flags.activations); // checked before
  return {};
}

} // namespace dsv3::compile
