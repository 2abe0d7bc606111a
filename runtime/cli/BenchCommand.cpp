//===- BenchCommand.cpp - how fast a model runs here ----------------------===//
#include "dsv3/Plan/MemoryNeeds.h"
#include "dsv3/Support/Cpus.h"
#include "runtime/base/Cpu.h"
#include "runtime/bench/ShapeProfile.h"
#include "runtime/cli/BenchReport.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/DeviceFlag.h"
#include "runtime/cli/DeviceLimits.h"
#include "runtime/cli/Model.h"
#include "runtime/cli/StepProgress.h"
#include "runtime/cli/Streams.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dsv3::cli {
namespace {
struct BenchFlags {
  ModelFlags model;
  runtime::StepBenchOptions bench;
  bool kernels = false, shapes = false, json = false;
};
} // namespace

/// Tokens of the steps whose shapes are shown: those of decoding, and those for which others
/// published times.
static constexpr int64_t shapeTokens[] = {1, 64, 128, 4096};

static std::string stepText(int64_t tokens, const runtime::StepBenchOptions &options) {
  return "a step of " + std::to_string(tokens) + " tokens behind " + std::to_string(options.depth);
}

/// Kernels of steps, as far as the session has such steps.
static Status measureShapes(runtime::StepBench &bench, runtime::Session &session,
                            runtime::Device &device, const ModelFiles &files,
                            const BenchFlags &flags, BenchResult &result) {
  const checkpoint::ModelConfig &config = files.texts.config;
  auto layers = double(config.numHiddenLayers);
  runtime::AttentionFlops attention{attentionFlops(config) / layers,
                                    expandedAttentionFlops(config) / layers};
  auto note = [](const Failure &failure) { say("note: " + failure.message()); };
  std::unique_ptr<runtime::PeerProducts> peer;
  if (auto found = device.peerProducts()) {
    peer = *std::move(found);
  } else {
    note(found.failure());
  }
  for (int64_t tokens : shapeTokens) {
    if (tokens > session.mostOfStep() || flags.bench.depth + tokens > session.context()) {
      say("left out: a step of " + std::to_string(tokens) + " tokens; the model has those of " +
          std::to_string(session.mostOfStep()) + " and a context of " +
          std::to_string(session.context()));
      continue;
    }
    say("shapes of a step of " + std::to_string(tokens) + " tokens");
    // Without values all tokens choose the same experts.
    Expected<runtime::StepProfile> profile =
        isSimulated(flags.model) ? bench.predict(tokens, runtime::shapeUses(session.plan()),
                                                 double(config.numExpertsPerTok))
                                 : bench.profile(tokens, true);
    if (!profile) {
      return profile.status();
    }
    ShapeTable table{
        stepText(tokens, flags.bench), profile->predictedFor,
        shapesOf(session.plan(), files.variant, *session.outputs().entry, *profile, attention),
        profile->nothing};
    if (peer) {
      table.peer = peer->description();
      say("products by " + table.peer);
      measurePeer(table.shapes, *peer, flags.bench.repeats * runtime::StepBench::runsOfLaunch,
                  note);
    }
    result.shapes.push_back(std::move(table));
  }
  bench.measureMachine();
  result.machine = bench.machine();
  return {};
}

static Status measure(RunningModel &model, const ModelFiles &files, const BenchFlags &flags,
                      BenchResult &result, const DeviceLimits &limits) {
  runtime::Session &session = *model.session;
  runtime::StepBenchOptions options = flags.bench;
  StepProgress progress;
  options.progress = [&](std::string_view what, uint64_t done, uint64_t total) {
    progress.update(what, done, total);
  };
  runtime::StepBench bench(session, *limits.probe, files.variant,
                           attentionFlops(files.texts.config), options);
  if (flags.shapes) {
    return measureShapes(bench, session, *model.device, files, flags, result);
  }
  bool timed = !isSimulated(flags.model);
  if (timed && options.promptTokens > 0) {
    say("measuring prefill");
    auto prefill = bench.prefill();
    if (!prefill) {
      return prefill.status();
    }
    result.prefill = *prefill;
  }
  if (timed && options.generateTokens > 0) {
    say("measuring decode");
    auto decode = bench.decode();
    if (!decode) {
      return decode.status();
    }
    result.decode = *decode;
  }
  auto addTable = [&](int64_t tokens) -> Status {
    Expected<runtime::StepProfile> profile = bench.profile(tokens);
    if (!profile) {
      return profile.status();
    }
    result.tables.push_back({stepText(tokens, options), profile->predictedFor,
                             runtime::byKernel(session.plan(), *profile)});
    return {};
  };
  if (flags.kernels) {
    if (limits.cpu) {
      runtime::Yardstick yardstick = limits.cpu->yardstick();
      result.yardstick = {std::max(yardstick.rowBandwidth(), yardstick.rowBandwidth()),
                          std::max(yardstick.blockRate(), yardstick.blockRate())};
    }
    for (int64_t tokens : {options.generateTokens > 0 ? options.batch : 0, options.promptTokens}) {
      if (Status status = tokens > 0 ? addTable(tokens) : Status(); !status) {
        return status;
      }
    }
  }
  if (!timed) {
    bench.measureMachine();
  }
  result.machine = bench.machine();
  return {};
}

/// How the weights of a CPU came into memory.
static LoadResult loadResult(const ModelFiles &files, const LoadedWeights &weights,
                             runtime::MachineProbe &probe) {
  LoadResult load;
  load.inPlace = plan::inPlaceBytes(files.bundle.plan(), files.variant);
  load.origin = weights.origin;
  load.seconds = weights.seconds;
  load.bytes = weights.store.bytes().size() + load.inPlace;
  load.hugeBytes = weights.store.hugeBytes();
  probe.copyRate();
  load.copyRate = probe.copyRate();
  return load;
}

/// What weights, rows and the cache are made of.
static void describe(const plan::Plan &plan, size_t variant, BenchResult &result) {
  double total = 0;
  for (const plan::Parameter &parameter : plan.parameters) {
    // Only narrow rows meet a weight in dots.
    if (parameter.layouts[variant].kind == plan::LayoutKind::Dots) {
      result.activations = parameter.type == DType::BF16 ? DType::BF16 : DType::I8;
    }
    double elements = double(parameter.groups) * double(parameter.rows) * double(parameter.columns);
    double bits = elements * double(bitSize(parameter.type)) *
                  double(std::max<size_t>(1, parameter.layers.size()));
    result.weightShares[parameter.type] += bits;
    total += bits;
  }
  for (auto &[type, share] : result.weightShares) {
    share /= total;
  }
  result.cacheType = plan.cache.type;
}

static Status runBench(const BenchFlags &flags) {
  int64_t appended =
      std::max(flags.bench.promptTokens, flags.bench.generateTokens * flags.bench.batch);
  int64_t needed = flags.bench.depth + (flags.shapes ? 1 : appended);
  Expected<FoundModel> found = findModel(flags.model);
  if (!found) {
    return found.status();
  }
  if (int64_t context = found->context(flags.model); needed > context) {
    return Failure{
        "expected a context of at least " + std::to_string(needed) +
            " tokens for this benchmark, found " + std::to_string(context),
        "--depth, --prompt-tokens, --generate-tokens, --batch",
        "ask for fewer; the context holds what is cached (--depth), and then the prompt or "
        "the generated tokens of all rows"};
  }
  Expected<ModelFiles> files = openModel(*std::move(found), flags.model);
  if (!files) {
    return files.status();
  }
  BenchResult result;
  result.model = flags.model.model.empty() ? flags.model.config : flags.model.model;
  result.variant = files->bundle.plan().variants[files->variant].name;
  describe(files->bundle.plan(), files->variant, result);
  result.date = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  result.threads = flags.model.threads > 0 ? flags.model.threads : usefulThreads();
  result.options = flags.bench;
  Expected<std::unique_ptr<RunningModel>> model = startModel(*files, flags.model);
  if (!model) {
    return model.status();
  }
  runtime::Device &device = *(*model)->device;
  result.device = deviceText(device, flags.model);
  Expected<DeviceLimits> limits =
      deviceLimits(device, files->bundle.plan(), files->variant, flags.model);
  if (!limits) {
    return limits.status();
  }
  result.limitsOrigin = limits->origin;
  result.cpu = limits->cpu ? runtime::cpuName() : "";
  if (limits->cpu && (*model)->weights) {
    result.load = loadResult(*files, *(*model)->weights, *limits->cpu);
  }
  if (Status status = measure(**model, *files, flags, result, *limits); !status) {
    return status;
  }
  return writeOutput(flags.json ? benchJson(result) : benchText(result));
}

/// There must be something to measure; a simulated GPU has no speed of its own.
static Status checkFlags(const BenchFlags &flags) {
  if (flags.bench.promptTokens == 0 && flags.bench.generateTokens == 0) {
    return Failure{"expected a token at least to measure, found none",
                   "--prompt-tokens=0 --generate-tokens=0", "leave one of them out"};
  }
  if (isSimulated(flags.model) && !flags.kernels) {
    return Failure{"a simulated GPU has no speed, only predicted times of its kernels",
                   "--device=" + flags.model.device,
                   "add --kernels, or ask dsv3-run profile for more about them"};
  }
  return {};
}

void addBench(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App *command = app.add_subcommand(
      "bench",
      "Measures how fast a model runs here, beside what the machine can do: its memory and its\n"
      "multiply-adds are measured in the same minutes; of a GPU the peak comes from a table.\n"
      "Medians, with the least and the most. Ids are random. Measures nothing but speed. With\n"
      "--device=sim --kernels, times are predicted.\n\n"
      "example: dsv3-run bench --config models/moe-3b/config.json --dummy");
  addModelFlags(*command, flags->model);
  addChipFlag(*command, flags->model);
  runtime::StepBenchOptions &bench = flags->bench;
  auto count = [&](const char *name, int64_t &value, int64_t least, const char *what) {
    command->add_option(name, value, what)
        ->check(CLI::Range(least, mostTokens))
        ->capture_default_str();
  };
  count("--prompt-tokens", bench.promptTokens, 0, "tokens of the prompt; 0: no prefill");
  count("--generate-tokens", bench.generateTokens, 0, "tokens that each row decodes; 0: no decode");
  count("--depth", bench.depth, 0, "tokens that are cached before");
  count("--batch", bench.batch, 1, "rows of a decode step, neighbouring tokens of one request");
  command->add_option("--repeat", bench.repeats, "measurements of each")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--seed", bench.seed, "of the ids")
      ->check(seedRange())
      ->capture_default_str();
  CLI::Option *kernels =
      command->add_flag("--kernels", flags->kernels, "each kernel of the steps, slowest first");
  command
      ->add_flag("--shapes", flags->shapes,
                 "instead kernels by their shapes, of steps of 1, 64, 128 and 4096\n"
                 "tokens, beside times that others published and this project's goals; on a GPU\n"
                 "with cold caches, beside cuBLASLt on the same GPU where that is installed")
      ->needs(kernels);
  command->add_flag("--json", flags->json, "one JSON object instead of a table");
  command->callback([flags, &chosen] {
    refuseUsage(checkSource(flags->model));
    refuseUsage(chooseChip(flags->model));
    refuseUsage(checkFlags(*flags));
    chosen = [flags] { return runBench(*flags); };
  });
}

} // namespace dsv3::cli
