//===- BenchReport.cpp - what a benchmark found ---------------------------===//
#include "runtime/cli/BenchReport.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Support/BytesText.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

using nlohmann::ordered_json;

namespace dsv3::cli {

using runtime::Spread;

static std::string rate(const Spread &spread) {
  return fmt::format("{:.1f} ({:.1f} to {:.1f}) tokens/s", spread.median, spread.least,
                     spread.most);
}

static const char *name(WeightOrigin origin) {
  switch (origin) {
  case WeightOrigin::Packed:
    return "loaded";
  case WeightOrigin::Mapped:
    return "mapped";
  case WeightOrigin::MadeUp:
    return "made up";
  }
  return "";
}

static std::string percent(const Spread &spread) {
  return fmt::format("{:.0f} % ({:.0f} to {:.0f})", 100 * spread.median, 100 * spread.least,
                     100 * spread.most);
}

static plan::MachineLimits limitsOf(const runtime::MachineResult &machine) {
  return {machine.readBandwidth.median, machine.peak.median};
}

double limitSeconds(const plan::Cost &cost, const runtime::MachineResult &machine) {
  return limitsOf(machine).seconds(cost.bytes(), cost.weightFlops);
}

/// The share of the time below which a limit bounds nothing: most of it goes elsewhere.
static constexpr double boundingShare = 0.5;
static constexpr const char *boundByNeither = "neither";

/// Which of the machine's limits bounds a kernel, if one does; of attention, whose multiplications
/// are not among what it needs of weights, this is not known.
static const char *boundOf(const runtime::KernelResult &kernel,
                           const runtime::MachineResult &machine) {
  if (kernel.family.find("attention") != kernel.family.npos) {
    return "-";
  }
  if (limitSeconds(kernel.cost, machine) < boundingShare * kernel.seconds) {
    return boundByNeither;
  }
  bool memory = limitsOf(machine).boundByMemory(kernel.cost.bytes(), kernel.cost.weightFlops);
  return memory ? "memory" : "multiplying";
}

static const char *boundOf(const runtime::PrefillResult &prefill) {
  return prefill.peakFraction.median < boundingShare ? boundByNeither : "multiplying";
}

/// What bounds a step of decoding.
static const char *boundOf(const runtime::DecodeResult &decode) {
  constexpr double nearlyAll = 0.95;
  if (decode.limitFraction.median < boundingShare) {
    return boundByNeither;
  }
  bool memory = decode.bandwidthFraction.median >= nearlyAll * decode.limitFraction.median;
  return memory ? "memory" : "memory and multiplying";
}

/// "bf16 90 %, f32 10 %": from the most on.
static std::string weightsText(const BenchResult &result) {
  std::vector<std::pair<double, DType>> shares;
  shares.reserve(result.weightShares.size());
  for (auto [type, share] : result.weightShares) {
    shares.emplace_back(share, type);
  }
  std::ranges::sort(shares, std::greater());
  std::string text;
  for (auto [share, type] : shares) {
    if (double percent = 100 * share; percent >= 1) {
      text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : ", ", dsv3::name(type), percent);
    }
  }
  return text;
}

static void addKernels(std::string &text, const KernelTable &table, const BenchResult &result) {
  double total = 0;
  for (const runtime::KernelResult &kernel : table.kernels) {
    total += kernel.seconds;
  }
  auto out = std::back_inserter(text);
  fmt::format_to(out, "\nkernels of {}, {:.3f} ms in launches{}\n", table.step, 1e3 * total,
                 table.predictedFor.empty()
                     ? std::string()
                     : fmt::format(", predicted for {}", table.predictedFor));
  fmt::format_to(out, "{:<34}{:>8}{:>10}{:>7}{:>8}{:>9}{:>9}  {:<11}{:>10}\n", "kernel", "launches",
                 "us", "share", "GB/s", "GFLOP/s", "of limit", "bound by", "again us");
  for (const runtime::KernelResult &kernel : table.kernels) {
    double limit = limitSeconds(kernel.cost, result.machine);
    fmt::format_to(out, "{:<34}{:>8}{:>10.1f}{:>6.1f}%{:>8.1f}{:>9.1f}{:>8.0f}%  {:<11}{:>10.1f}\n",
                   kernel.symbol, kernel.launches, 1e6 * kernel.seconds,
                   100 * kernel.seconds / total, kernel.cost.bytes() / kernel.seconds / 1e9,
                   kernel.cost.weightFlops / kernel.seconds / 1e9, 100 * limit / kernel.seconds,
                   boundOf(kernel, result.machine), 1e6 * kernel.againSeconds);
  }
}

std::string benchText(const BenchResult &result) {
  std::string text;
  auto out = std::back_inserter(text);
  fmt::format_to(out, "model      {}, {}, {}; {}\n", result.model, result.variant, result.device,
                 result.date);
  fmt::format_to(out, "weights    {}; activations {}; cache {}\n", weightsText(result),
                 plan::activationsName(result.activations), dsv3::name(result.cacheType));
  fmt::format_to(out,
                 "machine    {}reads {:.1f} GB/s ({:.1f} to {:.1f}), multiplies {:.1f} GFLOP/s "
                 "({:.1f} to {:.1f}); {}\n",
                 result.cpu.empty() ? "" : result.cpu + " ",
                 result.machine.readBandwidth.median / 1e9,
                 result.machine.readBandwidth.least / 1e9, result.machine.readBandwidth.most / 1e9,
                 result.machine.peak.median / 1e9, result.machine.peak.least / 1e9,
                 result.machine.peak.most / 1e9, result.limitsOrigin);
  if (const std::optional<LoadResult> &load = result.load) {
    fmt::format_to(out, "loading    {} {} in {:.2f} s", bytesText(load->bytes), name(load->origin),
                   load->seconds);
    if (load->origin == WeightOrigin::Packed) {
      fmt::format_to(out, ", {:.0f} % of the rate of copying memory",
                     100 * load->copyFraction(false));
    }
    if (load->inPlace > 0) {
      fmt::format_to(out, "; {} stay in place", bytesText(load->inPlace));
      if (load->origin == WeightOrigin::Packed) {
        fmt::format_to(out, ", {:.0f} % without them", 100 * load->copyFraction(true));
      }
    }
    fmt::format_to(out, "; {:.0f} % of what is packed in huge pages\n",
                   100 * double(load->hugeBytes) / double(load->bytes - load->inPlace));
  }
  if (result.prefill) {
    fmt::format_to(
        out,
        "prefill    {}, {} of the {:.1f} GFLOP/s of multiplying meanwhile; {:.3g} GFLOP per token "
        "with weights, bound by {}\n",
        rate(result.prefill->tokensPerSecond), percent(result.prefill->peakFraction),
        result.prefill->peak.median / 1e9, result.prefill->flopsPerToken / 1e9,
        boundOf(*result.prefill));
  }
  if (result.decode) {
    fmt::format_to(out,
                   "decode     {}, {} of the {:.1f} GB/s of memory meanwhile, {} of what reading, "
                   "multiplying and attention allow together; {} per token, bound by {}\n",
                   rate(result.decode->tokensPerSecond), percent(result.decode->bandwidthFraction),
                   result.decode->bandwidth.median / 1e9, percent(result.decode->limitFraction),
                   bytesText(uint64_t(result.decode->bytesPerToken)), boundOf(*result.decode));
  }
  if (result.decode && result.decode->bandwidthFraction.most > 1) {
    text +=
        "note       more than 100 %: a cache holds what is read, or memory gave more meanwhile\n";
  }
  if (result.yardstick) {
    fmt::format_to(
        out,
        "yardstick  by hand, a row reads BF16 weights at {:.1f} GB/s, 96 rows reach {:.1f} "
        "GFLOP/s\n",
        result.yardstick->rowBandwidth / 1e9, result.yardstick->blockRate / 1e9);
  }
  for (const KernelTable &table : result.tables) {
    addKernels(text, table, result);
  }
  for (const ShapeTable &table : result.shapes) {
    text += shapesText(table, result.machine.readBandwidth.median);
  }
  return text;
}

static ordered_json json(const Spread &spread) {
  return {{"median", spread.median}, {"least", spread.least}, {"most", spread.most}};
}

static ordered_json json(const KernelTable &table, const BenchResult &result) {
  ordered_json rows = ordered_json::array();
  for (const runtime::KernelResult &kernel : table.kernels) {
    rows.push_back({{"kernel", kernel.symbol},
                    {"family", kernel.family},
                    {"launches", kernel.launches},
                    {"seconds", kernel.seconds},
                    {"again_seconds", kernel.againSeconds},
                    {"bytes", kernel.cost.bytes()},
                    {"flops", kernel.cost.weightFlops},
                    {"limit_fraction", limitSeconds(kernel.cost, result.machine) / kernel.seconds},
                    {"bound_by", boundOf(kernel, result.machine)}});
  }
  ordered_json object{{"step", table.step}, {"kernels", rows}};
  if (!table.predictedFor.empty()) {
    object["predicted_for"] = table.predictedFor;
  }
  return object;
}

std::string benchJson(const BenchResult &result) {
  ordered_json object{{"model", result.model},
                      {"date", result.date},
                      {"variant", result.variant},
                      {"threads", result.threads},
                      {"prompt_tokens", result.options.promptTokens},
                      {"generate_tokens", result.options.generateTokens},
                      {"depth", result.options.depth},
                      {"batch", result.options.batch},
                      {"repeat", result.options.repeats},
                      {"machine",
                       {{"read_bandwidth", json(result.machine.readBandwidth)},
                        {"fma_peak", json(result.machine.peak)},
                        {"origin", result.limitsOrigin}}}};
  if (!result.cpu.empty()) {
    object["machine"]["cpu"] = result.cpu;
  }
  for (auto [type, share] : result.weightShares) {
    object["weights"][std::string(dsv3::name(type))] = share;
  }
  object["activations"] = plan::activationsName(result.activations);
  object["cache_type"] = dsv3::name(result.cacheType);
  if (const std::optional<LoadResult> &load = result.load) {
    object["machine"]["copy_rate"] = load->copyRate;
    object["load"] = {{"weights", name(load->origin)},
                      {"seconds", load->seconds},
                      {"bytes", load->bytes},
                      {"in_place_bytes", load->inPlace},
                      {"huge_page_bytes", load->hugeBytes}};
    if (load->origin == WeightOrigin::Packed) {
      object["load"]["copy_fraction"] = load->copyFraction(false);
      object["load"]["copied_fraction"] = load->copyFraction(true);
    }
  }
  if (result.prefill) {
    object["prefill"] = {{"tokens_per_second", json(result.prefill->tokensPerSecond)},
                         {"peak", json(result.prefill->peak)},
                         {"peak_fraction", json(result.prefill->peakFraction)},
                         {"flops_per_token", result.prefill->flopsPerToken},
                         {"bound_by", boundOf(*result.prefill)}};
  }
  if (result.decode) {
    object["decode"] = {{"tokens_per_second", json(result.decode->tokensPerSecond)},
                        {"bandwidth", json(result.decode->bandwidth)},
                        {"bandwidth_fraction", json(result.decode->bandwidthFraction)},
                        {"limit_fraction", json(result.decode->limitFraction)},
                        {"bytes_per_token", result.decode->bytesPerToken},
                        {"bound_by", boundOf(*result.decode)},
                        {"experts_touched", result.decode->expertsTouched}};
  }
  if (result.yardstick) {
    object["yardstick"] = {{"row_bandwidth", result.yardstick->rowBandwidth},
                           {"block_rate", result.yardstick->blockRate}};
  }
  for (const KernelTable &table : result.tables) {
    object["kernels"].push_back(json(table, result));
  }
  for (const ShapeTable &table : result.shapes) {
    object["shapes"].push_back(shapesJson(table, result.machine.readBandwidth.median));
  }
  return object.dump(2) + "\n";
}

} // namespace dsv3::cli
