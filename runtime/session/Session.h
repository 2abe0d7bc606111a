//===- Session.h - a model in the middle of a text --------------*- C++ -*-===//
//
// Feeds tokens to a model step by step and keeps its cache: one request at a time.
// A session owns arena, cache, ports and prepared programs; a prompt of any length
// runs in chunks, each by the first entry of the plan that admits it.
//
// After the first step of each entry a step of one token allocates nothing. Not
// thread-safe. Device and plan must outlive the session.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Sampling.h"
#include "runtime/hal/Device.h"
#include "runtime/plan/Resolve.h"
#include "runtime/session/Observer.h"
#include "runtime/session/StepBuffers.h"
#include "runtime/session/Steps.h"

#include <atomic>
#include <memory>
#include <span>
#include <vector>

namespace dsv3::runtime {

struct SessionOptions {
  int64_t context = 0; ///< tokens that the cache holds; 0: the plan's maximum
  int64_t chunk = 0;   ///< most tokens of a step; 0: as many as the plan admits
  /// If it becomes true, append fails before its next step.
  const std::atomic<bool> *cancel = nullptr;
};

/// Where the kernels of the chosen variant are.
struct SessionKernels {
  size_t variant = 0;     ///< index into Plan::variants
  std::string objectPath; ///< of the file that its checksum is of
};

/// Which rows of a step give output.
enum class OutputRows : uint8_t { Last, All };

class Session {
public:
  /// Precondition: `plan` is valid. Fails if options exceed what the plan was
  /// compiled for, memory is short, kernels do not load or a weight is missing.
  static Expected<std::unique_ptr<Session>> create(Device &device, const plan::Plan &plan,
                                                   const SessionKernels &kernels,
                                                   const ParameterAddresses &parameters,
                                                   const SessionOptions &options);

  /// Appends tokens at position(). Fails without any effect on position if an id is
  /// not of the vocabulary or the context is too short; if a step fails or is
  /// cancelled, the steps before it count.
  Status append(std::span<const int32_t> ids, OutputRows rows = OutputRows::Last,
                Observer *observer = nullptr);

  /// The same, but gives in the place of each row's logits the token that the options choose of the
  /// ids below `limit` to follow, which the device does: see sample of dsv3/Support/Sampling.h.
  /// Precondition: validate(sampling) succeeds.
  Status appendSampled(std::span<const int32_t> ids, const SamplingOptions &sampling, int64_t limit,
                       OutputRows rows = OutputRows::Last, Observer *observer = nullptr);

  /// Appends to the MTP module, for the tokens from the first on that it was not yet given:
  /// `nextIds` are the ids of the tokens that follow them and `normed` [ids, hidden size]
  /// what the head read for them (StepOutputs::normed, copied: steps overwrite it). Row t
  /// of the logits predicts the token after nextIds[t]. Only tokens that have been
  /// appended can be given.
  Status appendMtp(std::span<const int32_t> nextIds, std::span<const float> normed,
                   OutputRows rows = OutputRows::Last, Observer *observer = nullptr);
  bool hasMtp() const { return !mtp.prepared.empty(); }

  /// Forgets the tokens from `position` on. Fails if there are none such.
  Status rewind(int64_t position);

  /// Goes on at `position` as if tokens had been appended up to there, of which the cache knows
  /// nothing: for times that do not depend on values. Fails if the context is too short.
  Status skipTo(int64_t position);

  /// Of the last step; no rows before the first.
  const StepOutputs &outputs() const { return lastOutputs; }
  int64_t position() const { return tokens; }
  int64_t context() const { return contextTokens; }
  /// The most tokens that append feeds at once.
  int64_t mostOfStep() const { return chunk; }
  bool cancelled() const { return cancel && cancel->load(std::memory_order_relaxed); }
  const plan::Plan &plan() const { return *model; }

private:
  struct Prepared {
    const plan::Entry *entry = nullptr;
    std::unique_ptr<Executable> executable;
    bool givesNormed = false;
  };
  /// The entries of a role, in the order of the plan.
  struct Role {
    std::vector<StepRange> ranges;
    std::vector<Prepared> prepared;
  };
  /// What the host wants of steps.
  struct Wanted {
    OutputRows rows = OutputRows::Last;
    /// Not null: tokens in the place of logits, which stay on the device.
    const SamplingOptions *sampling = nullptr;
    int64_t limit = 0; ///< of the ids that they are chosen from
  };

  Session(Device &device, const plan::Plan &plan, StepBuffers buffers);
  Status applyOptions(const SessionOptions &options);
  Status allocate();
  Status fillPageTable();
  Status prepare(const SessionKernels &kernels, const ParameterAddresses &parameters);
  Status checkEntry(const plan::Entry &entry) const;
  Status checkAppend(std::span<const int32_t> ids, int64_t end) const;
  Status appendFor(std::span<const int32_t> ids, Wanted wanted, Observer *observer);
  Status feed(Role &role, std::span<const int32_t> ids, std::span<const float> hidden,
              int64_t &position, Wanted wanted, Observer *observer);
  Status step(Prepared &prepared, std::span<const int32_t> ids, int64_t position, Wanted wanted,
              Observer *observer);
  Status uploadSampling(Wanted wanted, int64_t position, int64_t rows);
  Status readOutputs(const Prepared &prepared, bool chosen);

  Device &device;
  const plan::Plan *model;
  StepBuffers buffers;
  const std::atomic<bool> *cancel = nullptr;
  int64_t contextTokens = 0, chunk = 0;
  int64_t tokens = 0, mtpTokens = 0;
  /// Of the greedy choice of all rows, on the device; -1: some have another one, or it is not
  /// known.
  int32_t greedyLimit = 0;

  int64_t cacheLayerBytes = 0;
  std::unique_ptr<Buffer> arena, cache, pageTable;
  std::unique_ptr<Object> object;
  Role steps, mtp;

  std::vector<int32_t> numbers; ///< positions or rows of a step
  std::vector<SamplingRow> samplingRows;
  std::vector<int64_t> stepSizes; ///< per size of the plan
  StepOutputs lastOutputs;
};

} // namespace dsv3::runtime
