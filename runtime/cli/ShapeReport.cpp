//===- ShapeReport.cpp - products beside others' times --------------------===//
#include "runtime/cli/ShapeReport.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iterator>
#include <optional>

using nlohmann::ordered_json;

namespace dsv3::cli {

/// "128 x 7168 x 2048, 8 times", "1 of 4096 tokens" of attention, "128 rows" of others.
static std::string shapeText(const runtime::ShapeResult &shape) {
  if (shape.cached > 0) {
    return fmt::format("{} of {} tokens", shape.rows, shape.cached);
  }
  if (shape.depth == 0) {
    return fmt::format("{} rows", shape.rows);
  }
  return fmt::format("{} x {} x {}{}", shape.rows, shape.columns, shape.depth,
                     shape.groups > 1 ? fmt::format(", {} times", shape.groups) : "");
}

/// What is done in a second, in units of `unit`; "-" where that is not counted.
static std::string rateText(double done, double seconds, double unit) {
  return done > 0 ? fmt::format("{:.1f}", done / seconds / unit) : "-";
}

/// A time that others have, and how many times as long this one is.
static std::string besideText(const std::optional<double> &seconds, double own) {
  if (!seconds) {
    return fmt::format("{:>11}{:>7}", "-", "");
  }
  double times = own / *seconds;
  return fmt::format("{:>11.1f}{:>7.{}f}", 1e6 * *seconds, times, times < 100 ? 2 : 0);
}

/// How many times the operations of the shape tensor cores do, of which some are padding, and what
/// limits the kernel; empty where times are measured.
static std::string predictionText(const runtime::ShapeResult &shape) {
  const runtime::LaunchPrediction &prediction = shape.prediction;
  std::string done = prediction.tensorFlops > 0 && shape.flops > 0
                         ? fmt::format("{:.2f}", prediction.tensorFlops / shape.flops)
                         : "-";
  return prediction.limit.empty() ? "" : fmt::format("{:>6}  {}", done, prediction.limit);
}

/// A line that says of measured times what a reader has to know.
static std::string methodText(const ShapeTable &table) {
  std::string text;
  if (table.nothing) {
    text =
        fmt::format("caches are empty before each run; events with nothing between them are {:.1f} "
                    "us apart",
                    1e6 * *table.nothing);
  }
  if (!table.peer.empty()) {
    text += (text.empty() ? "" : "; ") +
            fmt::format("cuBLASLt: the best of {}, the product alone", table.peer);
  }
  return text.empty() ? text : text + "\n";
}

std::string shapesText(const ShapeTable &table, double readBandwidth) {
  std::string text;
  auto out = std::back_inserter(text);
  bool peer = !table.peer.empty();
  fmt::format_to(out, "\nkernels of {}, {}; products are rows x columns x depth\n{}", table.step,
                 table.predictedFor.empty() ? "measured"
                                            : fmt::format("predicted for {}", table.predictedFor),
                 methodText(table));
  fmt::format_to(
      out, "{:<34}{:<28}{:>9}{:>9}{:>8}{}{:>11}{:>7}{:>11}{:>7}  {}\n", "kernel", "shape", "us",
      "TFLOPS", "GB/s", peer ? fmt::format("{:>11}{:>7}", "cuBLASLt", "times") : std::string(),
      "published", "times", "goal", "times", table.predictedFor.empty() ? "" : "tensor  limit");
  for (const runtime::ShapeResult &shape : table.shapes) {
    double seconds = shape.seconds;
    fmt::format_to(out, "{:<34}{:<28}{:>9.1f}{:>9}{:>8}{}{}{}  {}\n", shape.symbol,
                   shapeText(shape), 1e6 * seconds, rateText(shape.flops, seconds, 1e12),
                   rateText(shape.bytes, seconds, 1e9),
                   peer ? besideText(shape.peerSeconds, seconds) : std::string(),
                   besideText(publishedSeconds(shape), seconds),
                   besideText(goalSeconds(shape, readBandwidth), seconds), predictionText(shape));
  }
  return text;
}

ordered_json shapesJson(const ShapeTable &table, double readBandwidth) {
  ordered_json rows = ordered_json::array();
  for (const runtime::ShapeResult &shape : table.shapes) {
    ordered_json row{{"kernel", shape.symbol}, {"family", name(shape.family)},
                     {"rows", shape.rows},     {"columns", shape.columns},
                     {"depth", shape.depth},   {"groups", shape.groups},
                     {"cached", shape.cached}, {"seconds", shape.seconds},
                     {"bytes", shape.bytes},   {"flops", shape.flops}};
    if (shape.peerSeconds) {
      row["cublaslt_us"] = 1e6 * *shape.peerSeconds;
    }
    if (std::optional<double> seconds = publishedSeconds(shape)) {
      row["published_seconds"] = *seconds;
    }
    if (std::optional<double> seconds = goalSeconds(shape, readBandwidth)) {
      row["goal_seconds"] = *seconds;
    }
    if (!table.predictedFor.empty()) {
      row["limit"] = shape.prediction.limit;
      row["tensor_flops"] = shape.prediction.tensorFlops;
      row["blocks"] = shape.prediction.blocks;
      row["observed_blocks"] = shape.prediction.observedBlocks;
    }
    rows.push_back(std::move(row));
  }
  ordered_json object{{"step", table.step}, {"shapes", std::move(rows)}};
  if (!table.predictedFor.empty()) {
    object["predicted_for"] = table.predictedFor;
  }
  if (!table.peer.empty()) {
    object["beside"] = table.peer;
  }
  if (table.nothing) {
    object["seconds_of_nothing"] = *table.nothing;
  }
  return object;
}

} // namespace dsv3::cli
