//===- StepBench.h - how fast steps of a session are ------------*- C++ -*-===//
//
// Runs steps again and again and compares them with what the machine gave in the same
// seconds: memory is looked at between steps again and again, since what it gives
// changes, the peak of multiply-adds before and after each repeat. Ids are random, so that experts
// are chosen as evenly as the router does; the best logit of each step is searched, as greedy
// generation would.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/bench/BandwidthMeter.h"
#include "runtime/bench/LimitProbe.h"
#include "runtime/bench/StepProfile.h"
#include "runtime/session/Session.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

/// Of a few measurements.
struct Spread {
  double median = 0, least = 0, most = 0;
  static Spread of(std::vector<double> values);
};

struct StepBenchOptions {
  int64_t promptTokens = 512;
  int64_t generateTokens = 64; ///< of each row: steps
  int64_t depth = 0;           ///< tokens that are cached before
  int64_t batch = 1;           ///< rows of a decode step
  int repeats = 3;
  uint64_t seed = 0;
  /// Memory is looked at that often while decoding is measured, between steps.
  double secondsBetweenLooks = 0.5;
  /// Called between steps with what is being done and how much of it is done. May be empty.
  std::function<void(std::string_view what, uint64_t done, uint64_t total)> progress = {};
};

struct DecodeResult {
  Spread tokensPerSecond;
  Spread bandwidth;         ///< bytes a second that memory gave meanwhile
  Spread bandwidthFraction; ///< bytes needed over bytes that memory gave in that time
  /// The time of reading or multiplying weights and of attention at the limits over the time.
  Spread limitFraction;
  double bytesPerToken = 0;
  double expertsTouched = 0; ///< distinct ones of a layer and step, on average
};

struct PrefillResult {
  Spread tokensPerSecond;
  Spread peak;         ///< operations a second of multiply-adds, before and after
  Spread peakFraction; ///< operations with weights over the peak of multiply-adds
  double flopsPerToken = 0;
};

struct MachineResult {
  Spread readBandwidth; ///< bytes per second
  Spread peak;          ///< operations per second
};

class StepBench {
public:
  /// `session` is at position 0. `attentionFlops` are the operations of absorbed attention
  /// for a row and a cached token, all layers.
  StepBench(Session &session, LimitProbe &probe, size_t variant, double attentionFlops,
            const StepBenchOptions &options);

  /// Fails if the context is too short or a step fails.
  Expected<DecodeResult> decode();
  Expected<PrefillResult> prefill();
  /// How often profile runs a launch of each repeat.
  static constexpr int runsOfLaunch = 3;
  /// One step of `tokens` tokens behind `depth`, launch by launch; the average of the repeats. With
  /// `cold` as LaunchProfile has it.
  Expected<StepProfile> profile(int64_t tokens, bool cold = false);
  /// The same, predicted, for what `uses` (LaunchProfile) asks for: nothing is run before, not even
  /// to fill the cache. Tokens choose `expertsTouched` experts of a layer in all. Fails if the plan
  /// has no step of so many tokens.
  Expected<StepProfile> predict(int64_t tokens, std::vector<LaunchUse> uses, double expertsTouched);
  /// Measures the machine alone.
  void measureMachine() { lookAtMemory(), peak(); }
  /// What the probe gave during the measurements so far.
  MachineResult machine() const;

private:
  std::vector<int32_t> randomIds(int64_t count);
  Status moveTo(int64_t position);
  Status feed(std::span<const int32_t> ids, Observer *observer, int64_t before, int64_t total);
  void report(std::string_view what, int64_t done, int64_t total) const;
  Expected<double> countExperts(std::span<const int32_t> ids);
  /// The launches of the last step, without times.
  void addLaunches(StepProfile &profile) const;
  std::vector<double> lookAtMemory();
  double peak();

  Session &session;
  LimitProbe &probe;
  size_t variant;
  double attentionFlops;
  StepBenchOptions options;
  BandwidthMeter memory;
  std::vector<double> peaks;
};

} // namespace dsv3::runtime
