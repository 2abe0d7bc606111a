//===- BenchReport.h - what a benchmark found, for people and programs ----===//
#pragma once

#include "runtime/bench/StepBench.h"
#include "runtime/cli/Model.h"
#include "runtime/cli/ShapeReport.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace dsv3::cli {

/// How the weights came into memory.
struct LoadResult {
  WeightOrigin origin = WeightOrigin::Packed;
  double seconds = 0;     ///< without compiling and starting threads
  uint64_t bytes = 0;     ///< of the weights
  uint64_t inPlace = 0;   ///< of them where the checkpoint has them, or made up as such
  uint64_t hugeBytes = 0; ///< of the others in huge pages
  double copyRate = 0;    ///< bytes per second that the same threads copy

  /// The rate at which weights became usable over that of copying; of those that were not in place
  /// alone with `copied`.
  double copyFraction(bool copied) const {
    return double(copied ? bytes - inPlace : bytes) / seconds / copyRate;
  }
};

/// What hand-written products reach here.
struct YardstickResult {
  double rowBandwidth = 0; ///< bytes per second
  double blockRate = 0;    ///< operations per second
};

struct KernelTable {
  std::string step;                   ///< which step it is of, for the heading
  std::string_view predictedFor = {}; ///< the chip, where times were not measured
  std::vector<runtime::KernelResult> kernels = {};
};

struct BenchResult {
  std::string model, variant, device;
  std::map<DType, double> weightShares; ///< of the bytes of all weights, scales left out
  DType cacheType = DType::F32;
  DType activations = DType::F32; ///< of the rows that products of layers read on a CPU
  std::string date;               ///< of the measurement, YYYY-MM-DD
  int threads = 0;
  runtime::StepBenchOptions options;
  runtime::MachineResult machine;
  std::string cpu;                ///< whose figures they are; empty of a GPU
  std::string limitsOrigin;       ///< where the machine's figures come from
  std::optional<LoadResult> load; ///< of weights that stay in the host's memory
  std::optional<runtime::DecodeResult> decode;
  std::optional<runtime::PrefillResult> prefill;
  std::vector<KernelTable> tables;
  std::vector<ShapeTable> shapes;
  std::optional<YardstickResult> yardstick; ///< with the tables
};

/// The time that the machine's limits allow for what a kernel needs, in seconds.
double limitSeconds(const plan::Cost &cost, const runtime::MachineResult &machine);

/// A table for people.
std::string benchText(const BenchResult &result);
/// One JSON object: decode.tokens_per_second and so on, each with median, least and most.
std::string benchJson(const BenchResult &result);

} // namespace dsv3::cli
