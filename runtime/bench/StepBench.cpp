//===- StepBench.cpp - how fast steps of a session are --------------------===//

#include "runtime/bench/StepBench.h"

#include "dsv3/Plan/Names.h"
#include "dsv3/Support/RandomNumbers.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <utility>

using namespace dsv3;
using namespace dsv3::runtime;

/// The session's threads wait for the next step in a loop for a while; the machine is
/// measured when they sleep.
static constexpr std::chrono::milliseconds untilThreadsSleep{80};

Spread Spread::of(std::vector<double> values) {
  if (values.empty()) {
    return {};
  }
  std::ranges::sort(values);
  size_t half = values.size() / 2;
  double median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

StepBench::StepBench(Session &session, LimitProbe &probe, size_t variant, double attentionFlops,
                     const StepBenchOptions &options)
    : session(session), probe(probe), variant(variant), attentionFlops(attentionFlops),
      options(options) {}

std::vector<int32_t> StepBench::randomIds(int64_t count) {
  RandomNumbers random(options.seed);
  std::vector<int32_t> ids(size_t(count), 0);
  for (int32_t &id : ids) {
    id = int32_t(random.next() % uint64_t(session.plan().vocabSize));
  }
  return ids;
}

void StepBench::report(std::string_view what, int64_t done, int64_t total) const {
  if (options.progress) {
    options.progress(what, uint64_t(done), uint64_t(total));
  }
}

namespace {
/// Calls `after` with the tokens of the session after each of its steps.
class StepWatcher final : public Observer {
public:
  explicit StepWatcher(std::function<void(int64_t)> after) : after(std::move(after)) {}
  bool wantsValues() const override { return false; }
  Status outputs(const StepOutputs &step) override {
    after(step.position + step.rows);
    return {};
  }

private:
  std::function<void(int64_t)> after;
};
} // namespace

/// Forgets what lies behind `position`, or fills the cache up to it.
Status StepBench::moveTo(int64_t position) {
  int64_t begin = session.position();
  if (begin >= position) {
    return session.rewind(position);
  }
  StepWatcher watcher(
      [&](int64_t at) { report("filling the cache", at - begin, position - begin); });
  return session.append(randomIds(position - begin), OutputRows::Last, &watcher);
}

std::vector<double> StepBench::lookAtMemory() {
  std::this_thread::sleep_for(untilThreadsSleep);
  std::vector<double> rates = probe.readRates();
  memory.add(rates);
  return rates;
}

double StepBench::peak() {
  std::this_thread::sleep_for(untilThreadsSleep);
  peaks.push_back(std::max(probe.peak(), probe.peak()));
  return peaks.back();
}

namespace {
/// Counts distinct experts per layer and step.
class ExpertCounter final : public Observer {
public:
  void value(const ObservedValue &value) override {
    if (value.name != plan::observedExperts) {
      return;
    }
    const auto *experts = static_cast<const int32_t *>(value.data);
    std::set<int32_t> distinct(experts, experts + value.rows * value.columns);
    touched += double(distinct.size());
    ++layers;
  }
  double average() const { return layers == 0 ? 0 : touched / double(layers); }

private:
  double touched = 0;
  int64_t layers = 0;
};

/// Has the launches of one step measured.
class Profiler final : public Observer {
public:
  explicit Profiler(LaunchProfile &times) : times(times) {}
  LaunchProfile *profile() override { return &times; }

private:
  LaunchProfile &times;
};
} // namespace

/// Feeds `ids` in steps of a batch, with the choice of a token after each. They are some of `total`
/// tokens, of which there were `before`.
Status StepBench::feed(std::span<const int32_t> ids, Observer *observer, int64_t before,
                       int64_t total) {
  auto count = int64_t(ids.size());
  for (int64_t at = 0; at < count; at += options.batch) {
    report("measuring decode", before + at, total);
    auto part = ids.subspan(size_t(at), size_t(std::min(options.batch, count - at)));
    Status status =
        session.appendSampled(part, {}, session.plan().vocabSize, OutputRows::All, observer);
    if (!status) {
      return status;
    }
  }
  report("measuring decode", before + count, total);
  return {};
}

Expected<double> StepBench::countExperts(std::span<const int32_t> ids) {
  ExpertCounter counter;
  if (Status status = feed(ids, &counter, 0, (options.repeats + 1) * int64_t(ids.size()));
      !status) {
    return status;
  }
  return counter.average();
}

static double secondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

Expected<DecodeResult> StepBench::decode() {
  DecodeResult result;
  int64_t steps = options.generateTokens;
  std::vector<int32_t> ids = randomIds(options.depth + steps * options.batch);
  std::span<const int32_t> generated = std::span(ids).subspan(size_t(options.depth));
  if (Status status = moveTo(options.depth); !status) {
    return status;
  }
  // The same steps once unmeasured: they warm up, and show which experts are read.
  auto start = std::chrono::steady_clock::now();
  Expected<double> experts = countExperts(generated);
  if (!experts) {
    return experts.status();
  }
  double stepSeconds = secondsSince(start) / double(steps);
  int64_t stretch = options.batch * std::clamp(int64_t(options.secondsBetweenLooks / stepSeconds),
                                               int64_t(1), steps);
  result.expertsTouched = *experts;
  const plan::Plan &plan = session.plan();
  const plan::Entry &entry = *session.outputs().entry;
  auto shapeOf = [&](int64_t step) {
    int64_t position = options.depth + step * options.batch;
    return plan::StepShape{options.batch, options.batch, position, *experts};
  };
  plan::Cost cost;
  double attention = 0;
  for (int64_t step = 0; step < steps; ++step) {
    plan::StepShape shape = shapeOf(step);
    cost += plan::stepCost(plan, variant, entry, shape);
    attention += attentionFlops * double(options.batch) *
                 (double(shape.position) + double(options.batch + 1) / 2);
  }
  result.bytesPerToken = cost.bytes() / double(generated.size());
  struct Repeat {
    double seconds = 0, flops = 0; ///< flops: what multiplying gave a second
    BandwidthMeter memory;
  };
  std::vector<Repeat> repeats;
  double peakBefore = peak();
  std::vector<double> look = lookAtMemory();
  auto count = int64_t(generated.size());
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    if (Status status = moveTo(options.depth); !status) {
      return status;
    }
    Repeat found;
    found.memory.add(look);
    for (int64_t at = 0; at < count; at += stretch) {
      auto part = generated.subspan(size_t(at), size_t(std::min(stretch, count - at)));
      auto begin = std::chrono::steady_clock::now();
      if (Status status =
              feed(part, nullptr, (repeat + 1) * count + at, (options.repeats + 1) * count);
          !status) {
        return status;
      }
      found.seconds += secondsSince(begin);
      look = lookAtMemory();
      found.memory.add(look);
    }
    double peakAfter = peak();
    found.flops = (peakBefore + peakAfter) / 2;
    peakBefore = peakAfter;
    repeats.push_back(std::move(found));
  }
  std::vector<double> rates, bandwidths, fractions, limits;
  size_t way = memory.fastestWay();
  for (const Repeat &found : repeats) {
    double bandwidth = found.memory.average(way);
    rates.push_back(double(generated.size()) / found.seconds);
    bandwidths.push_back(bandwidth);
    fractions.push_back(cost.bytes() / found.seconds / bandwidth);
    // Of a step's cost the position changes the cache alone.
    double weights = double(steps) * plan::weightSeconds(plan, variant, entry, shapeOf(0),
                                                         {bandwidth, found.flops});
    limits.push_back((weights + attention / found.flops) / found.seconds);
  }
  result.tokensPerSecond = Spread::of(rates);
  result.bandwidth = Spread::of(bandwidths);
  result.bandwidthFraction = Spread::of(fractions);
  result.limitFraction = Spread::of(limits);
  return result;
}

/// Steps that append `tokens` tokens takes, as Session splits them.
static std::vector<plan::StepShape> promptSteps(int64_t position, int64_t tokens, int64_t chunk,
                                                double experts) {
  std::vector<plan::StepShape> steps;
  for (int64_t done = 0; done < tokens; done += chunk) {
    int64_t count = std::min(chunk, tokens - done);
    steps.push_back({count, 1, position + done, experts});
  }
  return steps;
}

Expected<PrefillResult> StepBench::prefill() {
  PrefillResult result;
  std::vector<int32_t> ids = randomIds(options.promptTokens);
  std::vector<double> rates, peaks, fractions;
  double before = 0;
  // The first run warms up.
  for (int repeat = -1; repeat < options.repeats; ++repeat) {
    if (Status status = moveTo(options.depth); !status) {
      return status;
    }
    StepWatcher watcher([&](int64_t at) {
      report("measuring prefill", (repeat + 1) * options.promptTokens + at - options.depth,
             (options.repeats + 1) * options.promptTokens);
    });
    auto begin = std::chrono::steady_clock::now();
    if (Status status = session.append(ids, OutputRows::Last, &watcher); !status) {
      return status;
    }
    double seconds = secondsSince(begin), after = peak();
    lookAtMemory(); // for MachineResult alone
    if (repeat >= 0) {
      // The head counts at the last position alone, and only where its rows are asked for.
      double flops = 0;
      const plan::Entry &entry = *session.outputs().entry;
      for (const plan::StepShape &step :
           promptSteps(options.depth, options.promptTokens, entry.maxTokens, 0)) {
        flops += plan::stepCost(session.plan(), variant, entry, step).weightFlops;
      }
      result.flopsPerToken = flops / double(ids.size());
      rates.push_back(double(ids.size()) / seconds);
      peaks.push_back((before + after) / 2);
      fractions.push_back(flops / seconds / peaks.back());
    }
    before = after;
  }
  result.tokensPerSecond = Spread::of(rates);
  result.peak = Spread::of(peaks);
  result.peakFraction = Spread::of(fractions);
  return result;
}

void StepBench::addLaunches(StepProfile &profile) const {
  plan::forLaunches(*session.outputs().entry, [&](const plan::Instruction &launch, int64_t layer) {
    profile.launches.push_back({size_t(launch.target), layer, 0, 0,
                                plan::launchCost(session.plan(), variant, launch, profile.shape)});
  });
}

/// Fails if a step of so many tokens would be several.
static Status checkStep(int64_t tokens, int64_t most) {
  if (tokens > most) {
    return Failure{"expected at most " + std::to_string(most) +
                       " tokens, those of one step, to show kernels of, found " +
                       std::to_string(tokens),
                   "--prompt-tokens"};
  }
  return {};
}

Expected<StepProfile> StepBench::profile(int64_t tokens, bool cold) {
  std::vector<int32_t> ids = randomIds(tokens);
  if (Status status = moveTo(options.depth); !status) {
    return status;
  }
  ExpertCounter counter;
  if (Status status = session.append(ids, OutputRows::Last, &counter); !status) {
    return status;
  }
  if (Status one = checkStep(tokens, session.outputs().entry->maxTokens); !one) {
    return one;
  }
  StepProfile result;
  result.shape = {tokens, 1, options.depth, counter.average()};
  addLaunches(result);
  for (int repeat = 0; repeat < options.repeats; ++repeat) {
    LaunchProfile times{.repeats = runsOfLaunch - 1, .cold = cold, .first = {}, .again = {}};
    Profiler profiler(times);
    if (Status status = moveTo(options.depth); !status) {
      return status;
    }
    if (Status status = session.append(ids, OutputRows::Last, &profiler); !status) {
      return status;
    }
    report("measuring kernels", repeat + 1, options.repeats);
    for (size_t i = 0; i < result.launches.size(); ++i) {
      result.launches[i].seconds += times.first[i] / options.repeats;
      result.launches[i].againSeconds += times.again[i] / options.repeats;
    }
    if (times.nothing) {
      result.nothing = result.nothing.value_or(0) + *times.nothing / options.repeats;
    }
    result.predictedFor = times.predictedFor;
    result.predictions = std::move(times.predictions);
  }
  return result;
}

Expected<StepProfile> StepBench::predict(int64_t tokens, std::vector<LaunchUse> uses,
                                         double expertsTouched) {
  if (Status one = checkStep(tokens, session.mostOfStep()); !one) {
    return one;
  }
  if (Status status = session.skipTo(options.depth); !status) {
    return status;
  }
  LaunchProfile times{.uses = std::move(uses), .first = {}, .again = {}};
  Profiler profiler(times);
  if (Status status = session.append(randomIds(tokens), OutputRows::Last, &profiler); !status) {
    return status;
  }
  StepProfile result;
  result.shape = {tokens, 1, options.depth, expertsTouched};
  addLaunches(result);
  for (size_t i = 0; i < result.launches.size(); ++i) {
    result.launches[i].seconds = times.first[i];
    result.launches[i].againSeconds = times.again[i];
  }
  result.predictedFor = times.predictedFor;
  result.predictions = std::move(times.predictions);
  return result;
}

MachineResult StepBench::machine() const {
  return {Spread::of(memory.looks(memory.fastestWay())), Spread::of(peaks)};
}
