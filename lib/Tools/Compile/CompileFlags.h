//===- CompileFlags.h - the flags of dsv3-compile ---------------*- C++ -*-===//
#pragma once

#include "ExplainGpu.h"
#include "Remarks.h"
#include "TargetFlags.h"
#include "dsv3/Pipelines/CheckpointModel.h"
#include "dsv3/Pipelines/Pipelines.h"
#include "dsv3/Support/Status.h"

#include <cstdint>
#include <optional>
#include <string>

namespace CLI {
class App;
} // namespace CLI

namespace dsv3::compile {

/// As they were given.
struct Flags {
  std::string model, config, output, policy = "f32", cacheType, activations = "f32", weights, head;
  std::string stopAfter, dumpPhases;
  ExplainFlags explain;
  RemarkFlags remarks;
  bool planOnly = false, observeInputs = false;
  std::optional<int64_t> context;
  int64_t batch = 1, rows = 16, chunk = 512;
  TargetFlags target;
};

void declareFlags(CLI::App &app, Flags &flags);

/// The phase to stop after. Fails where the command line makes no sense, whatever the model.
Expected<Phase> checkFlags(const Flags &flags);

/// Numbers of flags, which went through checkFlags, for the importer and the passes, as far as the
/// model allows them.
Status applyFlags(const Flags &flags, ModelSource &source, PipelineOptions &options);

} // namespace dsv3::compile
