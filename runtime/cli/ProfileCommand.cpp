//===- ProfileCommand.cpp - where the time of steps goes ------------------===//
#include "dsv3/Checkpoint/OutputFile.h"
#include "runtime/bench/StepBench.h"
#include "runtime/cli/ChromeTrace.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/DeviceFlag.h"
#include "runtime/cli/DeviceLimits.h"
#include "runtime/cli/Model.h"
#include "runtime/cli/OutputCheck.h"
#include "runtime/cli/ProfileReport.h"
#include "runtime/cli/StepProgress.h"
#include "runtime/cli/Streams.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace dsv3::cli {
namespace {

struct ProfileFlags {
  ModelFlags model;
  runtime::StepBenchOptions bench;
  std::string json, trace;
};

} // namespace

/// Fails if an output would replace what is read.
template <typename Read>
static Status checkOutputs(const ProfileFlags &flags, const Read &read) {
  for (const auto &[flag, path] :
       {std::pair("--json", &flags.json), std::pair("--trace", &flags.trace)}) {
    if (Status free = path->empty() ? Status() : checkOutput(flag, *path, read); !free) {
      return free;
    }
  }
  return {};
}

/// Writes a file that a flag names, whole or not at all; without a name nothing.
static Status writeFile(const std::string &path, const std::string &text) {
  if (path.empty()) {
    return {};
  }
  Expected<checkpoint::OutputFile> file = checkpoint::OutputFile::create(path, text.size());
  if (!file) {
    return file.status();
  }
  Status written = file->write(0, std::as_bytes(std::span(text)));
  return written ? file->publish() : written;
}

/// Fails if there is no place for the outputs, before minutes go into them.
static Status checkPlaces(const ProfileFlags &flags) {
  std::error_code unknown; // then OutputFile says what is wrong with the place
  if (!flags.json.empty() && !flags.trace.empty() &&
      std::filesystem::weakly_canonical(flags.json, unknown) ==
          std::filesystem::weakly_canonical(flags.trace, unknown) &&
      !unknown) {
    return Failure{"expected a file of its own, found that of --trace", "--json " + flags.json,
                   "name two files"};
  }
  for (const std::string *path : {&flags.json, &flags.trace}) {
    if (Status place = path->empty() ? Status() : checkpoint::OutputFile::create(*path, 1).status();
        !place) {
      return place;
    }
  }
  return {};
}

static Status profileSteps(runtime::Session &session, const ModelFiles &files,
                           const ProfileFlags &flags, const DeviceLimits &limits,
                           ProfileResult &result) {
  runtime::StepBenchOptions options = flags.bench;
  StepProgress progress;
  options.progress = [&](std::string_view what, uint64_t done, uint64_t total) {
    progress.update(what, done, total);
  };
  runtime::StepBench bench(session, *limits.probe, files.variant,
                           attentionFlops(files.texts.config), options);
  bench.measureMachine();
  int64_t chunk = std::min(options.promptTokens, session.mostOfStep());
  for (const auto &[name, tokens] : {std::pair("prompt", chunk), std::pair("decode", int64_t(1))}) {
    if (tokens == 0) {
      continue;
    }
    say(std::string("profiling ") + name);
    Expected<runtime::StepProfile> profile = bench.profile(tokens);
    if (!profile) {
      return profile.status();
    }
    result.steps.push_back({name, *std::move(profile)});
  }
  bench.measureMachine();
  result.machine = bench.machine();
  return {};
}

static Status runProfile(const ProfileFlags &flags) {
  Expected<FoundModel> found = findModel(flags.model);
  if (!found) {
    return found.status();
  }
  int64_t needed = flags.bench.depth + std::max<int64_t>(flags.bench.promptTokens, 1);
  if (int64_t context = found->context(flags.model); needed > context) {
    return Failure{"expected a context of at least " + std::to_string(needed) +
                       " tokens for this profile, found " + std::to_string(context),
                   "--depth, --prompt-tokens"};
  }
  if (found->checkpoint) {
    if (Status free = checkOutputs(flags, *found->checkpoint); !free) {
      return free;
    }
  }
  if (Status places = checkPlaces(flags); !places) {
    return places;
  }
  Expected<ModelFiles> files = openModel(*std::move(found), flags.model);
  if (!files) {
    return files.status();
  }
  if (Status free = checkOutputs(flags, files->bundle); !free) {
    return free;
  }
  Expected<std::unique_ptr<RunningModel>> model = startModel(*files, flags.model);
  if (!model) {
    return model.status();
  }
  const plan::Plan &plan = files->bundle.plan();
  ProfileResult result;
  result.model = flags.model.model.empty() ? flags.model.config : flags.model.model;
  result.variant = plan.variants[files->variant].name;
  result.device = deviceText(*(*model)->device, flags.model);
  result.plan = &plan;
  Expected<DeviceLimits> limits =
      deviceLimits(*(*model)->device, plan, files->variant, flags.model);
  if (!limits) {
    return limits.status();
  }
  result.limitsOrigin = limits->origin;
  Status status = profileSteps(*(*model)->session, *files, flags, *limits, result);
  status = status ? writeFile(flags.json, profileJson(result)) : status;
  status = status ? writeFile(flags.trace, chromeTrace(result)) : status;
  return status ? writeOutput(profileText(result)) : status;
}

void addProfile(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<ProfileFlags>();
  flags->bench.repeats = 1;
  CLI::App *command = app.add_subcommand(
      "profile",
      "Shows where the time of a model goes: of one chunk of a prompt and of one decode step a\n"
      "table of kernels, slowest first, with the least bytes that they have to read, the\n"
      "operations with weights, and the share of what the machine allows. Ids are random.\n"
      "--device=sim predicts the times of a GPU that is not there; it needs clang-22.\n\n"
      "example: dsv3-run profile --model DIR --device=sim --chip=h200 --trace step.json");
  addModelFlags(*command, flags->model);
  addChipFlag(*command, flags->model);
  runtime::StepBenchOptions &bench = flags->bench;
  command
      ->add_option("--prompt-tokens", bench.promptTokens,
                   "tokens of the prompt, of which one chunk is shown; 0: no prompt")
      ->check(CLI::Range(int64_t(0), mostTokens))
      ->capture_default_str();
  command->add_option("--depth", bench.depth, "tokens that are cached before")
      ->check(CLI::Range(int64_t(0), mostTokens))
      ->capture_default_str();
  command->add_option("--repeat", bench.repeats, "steps that are averaged")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--seed", bench.seed, "of the ids")
      ->check(seedRange())
      ->capture_default_str();
  command->add_option("--json", flags->json, "a file for all figures, launch by launch");
  command->add_option("--trace", flags->trace,
                      "a file for a trace that chrome://tracing and ui.perfetto.dev open");
  command->callback([flags, &chosen] {
    refuseUsage(checkSource(flags->model));
    refuseUsage(chooseChip(flags->model));
    chosen = [flags] { return runProfile(*flags); };
  });
}

} // namespace dsv3::cli
