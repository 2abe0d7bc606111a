//===- Meter.cpp - what a block does, as far as it costs time -------------===//

#include "runtime/drivers/sim/predict/Meter.h"

#include "runtime/drivers/sim/Warp.h"

#include <algorithm>
#include <bit>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

static constexpr int cacheWays = 8;
/// Iterations of a loop whose loads are on their way together, since compilers unroll it.
static constexpr int unrolled = 4;
/// Bytes a clock from the shared memory of another block: 3.27 TB/s of an H100 in clusters of two,
/// 2.65 in those of four (arXiv 2402.13499).
static constexpr double clusterBytes = 12;

void Meter::beginLaunch(std::span<const std::byte> ofKernel, int64_t cacheBytes) {
  code = ofKernel;
  cache = std::make_unique<SectorCache>(cacheBytes, cacheWays);
  work = {};
  blocks = seen = 0;
  longestChain = 0;
}

void Meter::beginBlock(size_t warps, std::span<const std::byte> sharedMemory) {
  shared = sharedMemory;
  cache->clear();
  lines.clear();
  chains.assign(warps, {});
  waited.resize(warps);
}

/// How long a chain is, for comparing: a load takes about as long as twenty shuffles.
static double lengthOf(const WaitChain &chain) {
  return 20 * chain.loads + chain.shuffles + chain.barriers;
}

void Meter::endBlock(std::span<const int64_t> multiplyAdds) {
  for (size_t first = 0; first < multiplyAdds.size(); first += warpLanes) {
    auto ofWarp =
        multiplyAdds.subspan(first, std::min<size_t>(warpLanes, multiplyAdds.size() - first));
    auto most = double(std::ranges::max(ofWarp));
    work.multiplyAdds += most;
    work.instructions += most;
  }
  for (size_t warp = 0; warp < chains.size(); ++warp) {
    finishLoads(warp);
  }
  const WaitChain &chain = *std::ranges::max_element(chains, {}, lengthOf);
  auto averaged = [this](double &mean, double next) { mean += (next - mean) / double(blocks + 1); };
  averaged(work.mean.loads, chain.loads);
  averaged(work.mean.shuffles, chain.shuffles);
  averaged(work.mean.barriers, chain.barriers);
  if (blocks == 0 || lengthOf(chain) > longestChain) {
    longestChain = lengthOf(chain);
    work.longest = chain;
  }
  ++blocks;
}

void Meter::finishLoads(size_t warp) {
  chains[warp].loads += waited[warp].empty() ? 0 : 1;
  waited[warp].clear();
}

/// Loads at different places are on their way together, and so are some iterations of a loop.
void Meter::noteLoad(size_t warp, const void *site) {
  auto known = std::ranges::find(waited[warp], site, &Load::site);
  if (known != waited[warp].end() && known->times == unrolled) {
    finishLoads(warp);
    known = waited[warp].end();
  }
  if (known == waited[warp].end()) {
    waited[warp].push_back({site, 1});
  } else {
    ++known->times;
  }
}

void Meter::waitForCopies(size_t warp, int pending) {
  // Those that may go on hide their share of the time.
  chains[warp].loads += 1.0 / (pending + 1);
}

void Meter::product(const SliceProduct &product) {
  // Its own rows of a, unless they are in registers, and a fourth of what the group reads of b.
  constexpr size_t groupWarps = 4;
  size_t rowsRead = (product.fragment ? 0 : sliceRows) + product.columns / groupWarps;
  size_t read = rowsRead * groupRowBytes;
  constexpr double inProduct = 16 * 8 * 16; // multiplications of mma.sync.m16n8k16
  double multiplied = double(sliceRows * product.columns) / inProduct;
  if (product.codes) {
    work.groupCodes += multiplied * groupRowBytes;
  } else {
    work.groupProducts += multiplied * groupRowBytes / sizeof(uint16_t);
  }
  work.sharedWavefronts += double(read) / double(lineBytes);
  ++work.instructions;
}

void Meter::pass(const TensorBox &box, bool store, const void *site) {
  constexpr uintptr_t inLine = lineBytes / sectorBytes;
  for (int row = 0; row < box.map.boxRows; ++row) {
    BoxRow part = rowOf(box, row);
    auto begin = reinterpret_cast<uintptr_t>(part.from), end = begin + part.bytes;
    for (uintptr_t sector = begin / sectorBytes; sector * sectorBytes < end; ++sector) {
      auto bit = uint8_t(1 << sector % inLine);
      if (lines.empty() || lines.back().line != sector / inLine || lines.back().site != site) {
        lines.push_back({sector / inLine, 0, store, site});
      }
      lines.back().sectors |= bit;
      work.storedSectors += store;
    }
  }
  seen += int64_t(bytesOf(box) / chunkBytes);
  ++work.instructions;
}

void Meter::barrier() {
  for (size_t warp = 0; warp < chains.size(); ++warp) {
    barrier(warp);
  }
}

void Meter::barrier(size_t warp) {
  ++chains[warp].barriers;
  ++work.instructions;
}

/// The lines of an access and their sectors, in `touched`.
void Meter::touchLines(std::span<const AccessEntry> entries) {
  touched.clear();
  for (const AccessEntry &entry : entries) {
    auto begin = reinterpret_cast<uintptr_t>(entry.place), end = begin + entry.bytes;
    for (uintptr_t sector = begin / sectorBytes; sector * sectorBytes < end; ++sector) {
      constexpr uintptr_t inLine = lineBytes / sectorBytes;
      auto bit = uint8_t(1 << sector % inLine);
      auto known = std::ranges::find(touched, sector / inLine, &LineAccess::line);
      if (known == touched.end()) {
        touched.push_back({sector / inLine, bit, entry.store, entry.site});
      } else {
        known->sectors |= bit;
      }
    }
  }
}

void Meter::access(size_t warp, std::span<const AccessEntry> entries,
                   std::span<const int> numbers) {
  const AccessEntry &first = entries[0];
  seen += int64_t(entries.size());
  // A copy is one instruction, which is counted where it loads.
  work.instructions += first.copied && first.shared ? 0 : 1;
  if (first.shared && isShared(first.place)) {
    work.sharedWavefronts += double(sharedTraffic(entries, numbers).actual);
    return;
  }
  if (first.shared) { // of another block
    for (const AccessEntry &entry : entries) {
      work.sharedWavefronts += double(entry.bytes) / clusterBytes;
    }
    noteLoad(warp, first.site);
    return;
  }
  touchLines(entries);
  work.lineWavefronts += double(touched.size());
  if (!first.store && !first.copied) {
    noteLoad(warp, first.site);
  }
  for (const LineAccess &line : touched) {
    if (line.store) {
      work.storedSectors += std::popcount(line.sectors);
      lines.push_back(line);
      continue;
    }
    CacheTraffic traffic;
    // cp.async.cg goes past the first level.
    uint8_t missed = first.copied ? line.sectors : cache->access(line, traffic);
    work.firstLevelSectors += double(traffic.hits);
    if (missed != 0) {
      lines.push_back({line.line, missed, false, line.site});
    }
  }
}

void Meter::flush(size_t warp, std::span<std::vector<AccessEntry>> lanes) {
  meetings.forEach(lanes, [&](std::span<const AccessEntry> entries, std::span<const int> numbers) {
    access(warp, entries, numbers);
  });
  finishLoads(warp);
}
