//===- ModelFlags.cpp - how a command is told its model -------------------===//
#include "runtime/cli/ModelFlags.h"

#include "dsv3/Plan/Activations.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Choices.h"
#include "dsv3/Support/WeightEncoding.h"
#include "runtime/base/Numa.h"
#include "runtime/bundle/Bundle.h"
#include "runtime/cli/Calibration.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/DeviceFlag.h"

#include <array>
#include <ranges>
#include <span>
#include <string_view>

namespace fs = std::filesystem;

namespace dsv3::cli {

static std::string refuseUnknownVariant(const std::string &name) {
  return refuseOther(plan::cpuVariants() | std::views::transform(&plan::CpuVariant::name), name);
}

/// One of the names.
static CLI::Validator oneOf(std::span<const std::string_view> names) {
  return CLI::Validator([names](const std::string &text) { return refuseOther(names, text); },
                        "NAME");
}

/// The encodings that `admits` admits; `names` says which these are.
static CLI::Validator encodings(const std::string &names, bool (*admits)(DType)) {
  return CLI::Validator(
      [names, admits](const std::string &text) {
        std::optional<DType> type = encodingFromName(text);
        return type && admits(*type) ? "" : "expected " + names + ", found '" + text + "'";
      },
      "NAME");
}

static CLI::Validator numaModes() {
  return CLI::Validator(
      [](const std::string &text) {
        return runtime::numaModeFromName(text)
                   ? ""
                   : "expected " + runtime::numaModeNames() + ", found '" + text + "'";
      },
      "NAME");
}

/// Where weights of routed experts can be.
static constexpr std::string_view onDevice = "device", onHost = "host";
static constexpr std::array expertPlaces{onDevice, onHost};

bool keepsExpertsOnHost(const ModelFlags &flags) { return flags.experts == onHost; }

static void addDeviceFlags(CLI::App &command, ModelFlags &flags) {
  command
      .add_option("--device", flags.device,
                  "where to run: cpu, cuda:N for an NVIDIA GPU, sim for a simulated one, which\n"
                  "needs a C++ compiler, or auto for cuda:0 where it and NVRTC are there, else cpu")
      ->check(deviceNames())
      ->transform(deviceInPlaceOfAuto())
      ->capture_default_str();
  command
      .add_option("--experts", flags.experts,
                  "with a GPU: where weights of routed experts are: device, or host, whose memory\n"
                  "the GPU reads over the bus, in each step those experts that its tokens choose")
      ->check(oneOf(expertPlaces))
      ->capture_default_str();
  command
      .add_option("--sim-seed", flags.simSeed,
                  "with --device=sim: choose by a seed who runs when; 0: all in order")
      ->check(seedRange())
      ->capture_default_str();
  command.add_flag("--sim-check", flags.simCheck,
                   "with --device=sim: check every access of memory and count what it costs;\n"
                   "needs clang");
}

/// What is computed with which numbers.
static void addPrecisionFlags(CLI::App &command, ModelFlags &flags) {
  command
      .add_option("--weights", flags.weights,
                  "encode the weights of large products when they are packed: bf16, fp8, int8 or\n"
                  "int4 [as stored]")
      ->check(encodings(encodingNames(), [](DType) { return true; }));
  command.add_option("--head", flags.head, "encode the head: bf16, fp8 or int8 [as stored]")
      ->check(encodings("bf16, fp8 or int8", [](DType type) { return type != DType::I4; }));
  command.add_option(
      "--calibration", flags.calibration,
      "a file of text: int4 weights are fitted to what they are multiplied with on it,\n"
      "which the model as it is stored tells first");
  command
      .add_option(
          "--activations", flags.activations,
          "rows of products on CPUs: f32, bf16 with BF16 weights, or int8 with --weights of\n"
          "int8 or int4 [f32]")
      ->check(oneOf(plan::activationNames));
  command
      .add_option(
          "--weights-in-place", flags.weightsInPlace,
          "which bf16 weights CPUs read where the checkpoint has them, rather than from panels\n"
          "that are packed first: none, experts or all [experts]")
      ->check(oneOf(plan::inPlaceNames));
  command
      .add_option("--cache-type", flags.cacheType,
                  "elements of the latent cache: f32, bf16 or f16 [f32]")
      ->check(oneOf(plan::cacheTypeNames));
  command
      .add_option("--policy", flags.policy,
                  "precision of activations, products and cache: f32, bf16 or w8a8 [f32];\n"
                  "compiled code has f32 on CPUs, all on GPUs, w8a8 on those with FP8")
      ->check(oneOf(plan::policyNames));
}

/// Threads and memory of a CPU, and how many tokens there are.
static void addSizeFlags(CLI::App &command, ModelFlags &flags) {
  command.add_option("--threads", flags.threads, "threads; 0: as many as are useful here")
      ->check(threadRange());
  command
      .add_option(
          "--numa", flags.numa,
          "place threads and memory: none; pin: each thread on a CPU; distribute: the same\n"
          "over all NUMA nodes, memory spread over them; isolate: all on one node")
      ->check(numaModes())
      ->capture_default_str();
  command
      .add_option("--context", flags.context,
                  "tokens of context; 0: as many as the model was compiled for")
      ->check(CLI::Range(int64_t(0), mostTokens));
  command
      .add_option("--chunk", flags.chunk,
                  "most tokens of a step; 0: as many as the model was compiled for")
      ->check(CLI::Range(int64_t(0), mostTokens));
  command
      .add_option("--variant", flags.variant,
                  "kind of CPU whose code is run, for example "
                  "x86-64-v3")
      ->check(refuseUnknownVariant);
}

void addModelFlags(CLI::App &command, ModelFlags &flags) {
  auto *source = command.add_option_group("model");
  source->add_option("--model", flags.model, "checkpoint directory, or a bundle of dsv3-compile");
  source->add_option("--config", flags.config, "a config.json alone; with --dummy");
  source->require_option(1);
  addSizeFlags(command, flags);
  addPrecisionFlags(command, flags);
  addDeviceFlags(command, flags);
  command.add_flag("--rebuild", flags.rebuild, "compile even if there is a compiled model");
  command.add_flag("--keep-packed", flags.keepPacked,
                   "keep the packed weights beside the bundle; later starts map them");
  command.add_flag("--verify-packed", flags.verifyPacked,
                   "check kept weights byte by byte before they are mapped");
  auto *dummy = command.add_flag("--dummy", flags.dummy, "make weights up; config.json is enough");
  command.add_option("--dummy-seed", flags.dummySeed, "seed of such weights")
      ->check(seedRange())
      ->needs(dummy);
}

Status checkSource(const ModelFlags &flags) {
  if (gpuOf(flags.device) && !flags.variant.empty()) {
    return Failure{"--variant names a kind of CPU, --device a GPU", "--variant " + flags.variant,
                   "leave one of them out"};
  }
  std::optional<GpuName> gpu = gpuOf(flags.device);
  if ((flags.simCheck || flags.simSeed != 0) && (!gpu || !gpu->simulated)) {
    return Failure{"only the simulated GPU has such a thing",
                   flags.simCheck ? "--sim-check" : "--sim-seed", "give --device=sim too"};
  }
  if (keepsExpertsOnHost(flags) && !gpu) {
    return Failure{"the weights are in the memory of the host where the CPU computes",
                   "--experts " + flags.experts,
                   "leave it out, or give --device=cuda:N or sim too"};
  }
  if (gpu && !flags.weightsInPlace.empty()) {
    return Failure{"a GPU has weights in memory of its own",
                   "--weights-in-place " + flags.weightsInPlace, "leave it out, or --device"};
  }
  if (!flags.config.empty() && !flags.dummy) {
    return Failure{"a configuration alone has no weights", "--config " + flags.config,
                   "give --model DIR, or add --dummy to make weights up; dsv3-compile --config " +
                       flags.config + " --plan-only says whether so many fit here"};
  }
  // To a bundle such flags are strange anyway, and that is said when it is opened.
  if (!flags.model.empty() && runtime::Bundle::isBundle(flags.model)) {
    return {};
  }
  auto given = [](const std::string &value) { return value.empty() ? "f32" : value; };
  Status narrows =
      plan::checkActivations(given(flags.policy), given(flags.activations), flags.weights);
  return narrows ? checkCalibrationFlags(flags) : narrows;
}

fs::path configPath(const ModelFlags &flags) {
  return flags.config.empty() ? fs::path(flags.model) / "config.json" : fs::path(flags.config);
}

std::vector<std::string> compileOptions(const ModelFlags &flags) {
  std::vector<std::string> options;
  for (const auto &[flag, value] :
       {std::pair("--weights", &flags.weights), std::pair("--head", &flags.head),
        std::pair("--activations", &flags.activations),
        std::pair("--cache-type", &flags.cacheType)}) {
    if (!value->empty()) {
      options.insert(options.end(), {flag, *value});
    }
  }
  if (!flags.weightsInPlace.empty() && flags.weightsInPlace != plan::inPlaceExperts) {
    options.insert(options.end(), {"--weights-in-place", flags.weightsInPlace});
  }
  if (!flags.policy.empty() && flags.policy != plan::policyNames[0]) {
    options.insert(options.end(), {"--policy", flags.policy});
  }
  if (flags.observeInputs) {
    options.emplace_back("--observe-inputs");
  }
  return options;
}

} // namespace dsv3::cli
