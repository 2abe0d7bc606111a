//===- BenchCommand.cpp - how fast a model runs here ----------------------===//
#include "dsv3/Support/Cpus.h"
#include "dsv3/Support/MemoryLimits.h"
#include "runtime/base/Memory.h"
#include "runtime/base/Progress.h"
#include "runtime/cli/BenchReport.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/DeviceFlag.h"
#include "runtime/cli/Model.h"
#include "runtime/cli/Streams.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace dsv3::cli {
namespace {
struct Flags {
  ModelFlags model;
  runtime::StepBenchOptions bench;
  bool kernels = false, json = false;
};
} // namespace

namespace {
/// A line of progress for each thing that is measured.
class StepProgress {
public:
  void update(std::string_view what, uint64_t done, uint64_t total) {
    if (!line || what != label) {
      line.reset();
      label = what;
      line.emplace(label, stderr, runtime::Progress::Amounts::Hidden);
    }
    line->update(done, total);
  }

private:
  std::string label;
  std::optional<runtime::Progress> line;
};
} // namespace

/// Memory that is read to measure the machine: many times what caches hold, but no more
/// than a quarter of what is free.
static uint64_t probeBytes() {
  constexpr uint64_t wanted = uint64_t(1) << 30;
  uint64_t available = availableMemory().value_or(wanted);
  return std::min(wanted, available / 4) / 4096 * 4096;
}

/// Operations of absorbed attention for one row and one cached token: scores over latent and
/// rotated key, then the latent's weighted sum, for all heads and layers.
static double attentionFlops(const checkpoint::ModelConfig &config) {
  return 2.0 * double(config.numHiddenLayers) * double(config.numAttentionHeads) *
         double(2 * config.kvLoraRank + config.qkRopeHeadDim);
}

static Status measure(runtime::Session &session, const ModelFiles &files, const Flags &flags,
                      BenchResult &result, runtime::MachineProbe &probe) {
  runtime::StepBenchOptions options = flags.bench;
  StepProgress progress;
  options.progress = [&](std::string_view what, uint64_t done, uint64_t total) {
    progress.update(what, done, total);
  };
  runtime::StepBench bench(session, probe, files.variant, attentionFlops(files.texts.config),
                           options);
  if (options.promptTokens > 0) {
    say("measuring prefill");
    auto prefill = bench.prefill();
    if (!prefill) {
      return prefill.status();
    }
    result.prefill = *prefill;
  }
  if (options.generateTokens > 0) {
    say("measuring decode");
    auto decode = bench.decode();
    if (!decode) {
      return decode.status();
    }
    result.decode = *decode;
  }
  auto addTable = [&](int64_t tokens) -> Status {
    auto kernels = bench.kernels(tokens);
    if (!kernels) {
      return kernels.status();
    }
    result.tables.push_back(
        {"a step of " + std::to_string(tokens) + " tokens behind " + std::to_string(options.depth),
         *std::move(kernels)});
    return {};
  };
  if (flags.kernels) {
    runtime::Yardstick yardstick = probe.yardstick();
    result.yardstick = {std::max(yardstick.rowBandwidth(), yardstick.rowBandwidth()),
                        std::max(yardstick.blockRate(), yardstick.blockRate())};
    for (int64_t tokens : {options.generateTokens > 0 ? options.batch : 0, options.promptTokens}) {
      if (Status status = tokens > 0 ? addTable(tokens) : Status(); !status) {
        return status;
      }
    }
  }
  result.machine = bench.machine();
  return {};
}

static Status runBench(const Flags &flags) {
  if (gpuOf(flags.model.device)) {
    return Failure{"bench measures CPUs, beside what their memory and multiply-adds can do",
                   "--device",
                   "leave --device out; the speed on a GPU is on stderr after dsv3-run generate"};
  }
  int64_t needed = flags.bench.depth + std::max(flags.bench.promptTokens,
                                                flags.bench.generateTokens + flags.bench.batch);
  Expected<FoundModel> found = findModel(flags.model);
  if (!found) {
    return found.status();
  }
  if (int64_t context = found->context(flags.model); needed > context) {
    return Failure{"expected a context of at least " + std::to_string(needed) +
                       " tokens for this benchmark, found " + std::to_string(context),
                   "--depth, --prompt-tokens, --generate-tokens"};
  }
  Expected<ModelFiles> files = openModel(*std::move(found), flags.model);
  if (!files) {
    return files.status();
  }
  BenchResult result;
  result.model = flags.model.model.empty() ? flags.model.config : flags.model.model;
  result.variant = files->bundle.plan().variants[files->variant].name;
  result.threads = flags.model.threads > 0 ? flags.model.threads : usefulThreads();
  result.options = flags.bench;
  Expected<std::unique_ptr<RunningModel>> model = startModel(*files, flags.model);
  if (!model) {
    return model.status();
  }
  const LoadedWeights &weights = *(*model)->weights;
  result.load.origin = weights.origin;
  result.load.seconds = weights.seconds;
  result.load.bytes = weights.store.bytes().size();
  result.load.hugeBytes = runtime::hugePageBytes(weights.store.bytes());
  Expected<runtime::MachineProbe> probe =
      runtime::MachineProbe::create(result.threads, result.variant, probeBytes());
  if (!probe) {
    return probe.status();
  }
  probe->copyRate();
  result.load.copyRate = probe->copyRate();
  if (Status status = measure(*(*model)->session, *files, flags, result, *probe); !status) {
    return status;
  }
  return writeOutput(flags.json ? benchJson(result) : benchText(result));
}

void addBench(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = app.add_subcommand(
      "bench",
      "Measures how fast a model runs here, beside what the machine can do: its memory and its\n"
      "multiply-adds are measured in the same minutes. Medians, with the least and the most.\n"
      "Ids are random. Measures nothing but speed.\n\n"
      "example: dsv3-run bench --config models/moe-3b/config.json --dummy");
  addModelFlags(*command, flags->model);
  runtime::StepBenchOptions &bench = flags->bench;
  auto count = [&](const char *name, int64_t &value, int64_t least, const char *what) {
    command->add_option(name, value, what)
        ->check(CLI::Range(least, mostTokens))
        ->capture_default_str();
  };
  count("--prompt-tokens", bench.promptTokens, 0, "tokens of the prompt; 0: no prefill");
  count("--generate-tokens", bench.generateTokens, 0, "tokens to decode; 0: no decode");
  count("--depth", bench.depth, 0, "tokens that are cached before");
  count("--batch", bench.batch, 1, "rows of a decode step");
  command->add_option("--repeat", bench.repeats, "measurements of each")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--seed", bench.seed, "of the ids")
      ->check(seedRange())
      ->capture_default_str();
  command->add_flag("--kernels", flags->kernels, "each kernel of the steps, slowest first");
  command->add_flag("--json", flags->json, "one JSON object instead of a table");
  command->callback([flags, &chosen] {
    refuseUsage(checkSource(flags->model));
    chosen = [flags] { return runBench(*flags); };
  });
}

} // namespace dsv3::cli
