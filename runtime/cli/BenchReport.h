//===- BenchReport.h - what a benchmark found, for people and programs ----===//
#pragma once

#include "runtime/bench/StepBench.h"
#include "runtime/cli/Model.h"

#include <optional>
#include <string>
#include <vector>

namespace dsv3::cli {

/// How the weights came into memory.
struct LoadResult {
  WeightOrigin origin = WeightOrigin::Packed;
  double seconds = 0;     ///< without compiling and starting threads
  uint64_t bytes = 0;     ///< as packed
  uint64_t hugeBytes = 0; ///< of them in huge pages
  double copyRate = 0;    ///< bytes per second that the same threads copy
};

/// What hand-written products reach here.
struct YardstickResult {
  double rowBandwidth = 0; ///< bytes per second
  double blockRate = 0;    ///< operations per second
};

struct KernelTable {
  std::string step; ///< which step it is of, for the heading
  std::vector<runtime::KernelResult> kernels;
};

struct BenchResult {
  std::string model, variant;
  int threads = 0;
  runtime::StepBenchOptions options;
  runtime::MachineResult machine;
  LoadResult load;
  std::optional<runtime::DecodeResult> decode;
  std::optional<runtime::PrefillResult> prefill;
  std::vector<KernelTable> tables;
  std::optional<YardstickResult> yardstick; ///< with the tables
};

/// A table for people.
std::string benchText(const BenchResult &result);
/// One JSON object: decode.tokens_per_second and so on, each with median, least and most.
std::string benchJson(const BenchResult &result);

} // namespace dsv3::cli
