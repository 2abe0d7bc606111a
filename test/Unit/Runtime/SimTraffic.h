//===- SimTraffic.h - what a kernel of a test asks memory for ---*- C++ -*-===//
//
// Counts what passes the first-level cache, and bank conflicts, on the simulated GPU.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "SimPlanted.h"
#include "SimRun.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace dsv3::test {

/// A launch whose traffic is counted, in the terms of SimRun::load.
struct TrafficKernel {
  std::string header; ///< of a family: "family/gemm"
  std::string parameters;
  int threads = 32;
  std::string body;
  std::vector<std::string> tensorMaps = {};
  int cluster = 1, divided = 1; ///< blocks that have a tile each, or all the same
  SimLaunch how = {};
  std::vector<std::vector<std::byte>> buffers = {}; ///< for the parameters, in their order
};

struct Traffic {
  /// Of global memory that pass the first-level cache, loaded and stored, by all blocks.
  double bytes = 0;
  /// The same as warps ask for them, no cache answering.
  double askedBytes = 0;
  /// Places where shared memory takes more wavefronts than it must.
  std::vector<runtime::SimLine> conflicts;
};

/// Nothing without clang.
inline std::optional<Traffic> trafficOf(const TrafficKernel &kernel) {
  constexpr double sectorBytes = 32;
  runtime::SimOptions counting, caching;
  counting.check = true;
  caching.chip = plan::findChip("h100");
  Traffic traffic;
  for (const runtime::SimOptions &options : {counting, caching}) {
    SimRun sim(options);
    sim.headers.push_back(kernel.header);
    Status loaded = sim.load(kernel.parameters, kernel.threads, kernel.body, kernel.tensorMaps,
                             kernel.cluster, false, kernel.divided);
    if (lacksClang(loaded)) {
      return std::nullopt;
    }
    EXPECT_TRUE(loaded) << loaded.failure().message();
    if (!loaded) {
      break;
    }
    for (const std::vector<std::byte> &buffer : kernel.buffers) {
      sim.add(buffer);
    }
    runtime::LaunchProfile times;
    Status ran = options.check ? sim.launch(kernel.how) : sim.profile(kernel.how, times);
    EXPECT_TRUE(ran) << ran.failure().message();
    if (!ran) {
      break;
    }
    if (!options.check) {
      EXPECT_EQ(times.predictions[0].observedBlocks * kernel.cluster, kernel.how.blocks);
      traffic.bytes = times.predictions[0].l2Bytes;
      continue;
    }
    runtime::SimCounts counts = runtime::countsOf(*sim.object).at(0);
    traffic.askedBytes = double(counts.sectors) * sectorBytes;
    for (const runtime::SimLine &line : counts.wasteful) {
      // A warp that arrives at barriers of several blocks asks no banks twice.
      if (line.shared && !line.where.starts_with("tile/sharing")) {
        traffic.conflicts.push_back(line);
      }
    }
  }
  return traffic;
}

} // namespace dsv3::test
