//===- Predictor.cpp - times of launches on a chip, predicted -------------===//

#include "runtime/drivers/sim/predict/Predictor.h"

#include "dsv3/Support/RandomNumbers.h"
#include "runtime/predict/UnionEstimate.h"

#include <algorithm>
#include <bit>
#include <map>
#include <unordered_map>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

static constexpr int l2Ways = 16;
/// The fewest clusters, mostly of one block, that stand for all.
static constexpr int64_t fewestClusters = 32;

Predictor::Predictor(const plan::Chip &chip, std::unique_ptr<Cluster> cluster,
                     std::shared_ptr<const MappedMemory> mapped)
    : ofChip(chip), cluster(std::move(cluster)), l2(chip.l2Bytes, l2Ways),
      mapped(std::move(mapped)) {}

Expected<std::unique_ptr<Predictor>> Predictor::create(const plan::Chip &chip,
                                                       std::shared_ptr<const MappedMemory> mapped) {
  Expected<std::unique_ptr<Cluster>> cluster = Cluster::create();
  if (!cluster) {
    return cluster.failure();
  }
  return std::unique_ptr<Predictor>(new Predictor(chip, *std::move(cluster), std::move(mapped)));
}

bool Predictor::isMapped(const LineAccess &access) const {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address, of which nothing is read
  return mapped->holds(reinterpret_cast<const void *>(access.line * uint64_t(lineBytes)));
}

void Predictor::answerWave(LaunchWork &work) {
  CacheTraffic traffic, ofMapped;
  bool some = true;
  for (size_t i = 0; some; ++i) {
    some = false;
    for (const std::vector<LineAccess> &lines : wave) {
      if (i < lines.size()) {
        l2.access(lines[i], isMapped(lines[i]) ? ofMapped : traffic);
        some = true;
      }
    }
  }
  wave.clear();
  work.l2Sectors += double(traffic.hits + ofMapped.hits);
  work.memorySectors += double(traffic.missed);
  work.busSectors += double(ofMapped.missed);
  work.writtenSectors += double(traffic.written + ofMapped.written);
}

/// Runs the clusters, mostly of one block, from `first` on, in their order.
std::optional<BlockFailure> Predictor::runAll(int64_t first, int64_t clusters, LaunchWork &work) {
  for (int64_t number = first; number < clusters; ++number) {
    if (std::optional<BlockFailure> failed = runCluster(number)) {
      return failed;
    }
    wave.emplace_back(meter.trace().begin(), meter.trace().end());
    if (int64_t(wave.size() * cluster->size()) >= ofChip.multiprocessors * atOnce) {
      answerWave(work);
    }
  }
  answerWave(work);
  return std::nullopt;
}

namespace {

/// Sectors that sampled blocks asked memory for at one place of the code, and how many did.
class SampledSectors {
public:
  /// `missed`: of the line's sectors, those that the L2 did not have.
  void add(const LineAccess &access, uint8_t missed, int64_t block) {
    for (int i = 0; i < int(lineBytes / sectorBytes); ++i) {
      auto bit = uint8_t(1 << i);
      if ((access.sectors & bit) == 0) {
        continue;
      }
      uint64_t sector = access.line * (lineBytes / sectorBytes) + uint64_t(i);
      auto known = touched.find(sector);
      if (known == touched.end() && (missed & bit) != 0) {
        touched[sector] = {block, 1};
      } else if (known != touched.end() && known->second.last != block) {
        known->second = {block, known->second.blocks + 1};
      }
    }
  }
  SampledUnion counted() const {
    SampledUnion result;
    for (const auto &[sector, seen] : touched) {
      ++result.distinct;
      result.once += seen.blocks == 1;
      result.twice += seen.blocks == 2;
    }
    return result;
  }

private:
  struct Seen {
    int64_t last, blocks;
  };
  std::unordered_map<uint64_t, Seen> touched;
};

} // namespace

/// `count` different blocks, the first of them 0: one out of each of as many equal ranges, since
/// what blocks do may grow with their number. The same each time.
static std::vector<int64_t> drawBlocks(int64_t count, int64_t blocks) {
  std::vector<int64_t> drawn{0};
  RandomNumbers random{uint64_t(blocks)};
  for (int64_t i = 1; i < count; ++i) {
    int64_t begin = i * blocks / count, end = (i + 1) * blocks / count;
    drawn.push_back(begin + int64_t(random.next() % uint64_t(end - begin)));
  }
  return drawn;
}

/// Runs `count` of the clusters, the first having been run. What they did is scaled to all of them.
std::optional<BlockFailure> Predictor::runSome(int64_t count, int64_t clusters, LaunchWork &work) {
  CacheTraffic traffic;
  // What is loaded at one place is shared alike: rows by some blocks, a weight by others.
  std::map<const void *, SampledSectors> sectors, ofMapped;
  double loaded = 0;
  for (int64_t number : drawBlocks(count, clusters)) {
    if (number > 0) {
      if (std::optional<BlockFailure> failed = runCluster(number)) {
        return failed;
      }
    }
    for (const LineAccess &line : meter.trace()) {
      uint8_t missed = l2.access(line, traffic);
      if (!line.store) {
        (isMapped(line) ? ofMapped : sectors)[line.site].add(line, missed, number);
        loaded += std::popcount(line.sectors);
      }
    }
  }
  double scale = double(clusters) / double(count);
  auto ofAll = [&](const std::map<const void *, SampledSectors> &sites, double most) {
    double sum = 0;
    for (const auto &[site, ofSite] : sites) {
      sum += estimateUnion(ofSite.counted(), count, clusters);
    }
    return std::min(sum, most);
  };
  work.busSectors = ofAll(ofMapped, loaded * scale);
  work.memorySectors = ofAll(sectors, loaded * scale - work.busSectors);
  work.l2Sectors = loaded * scale - work.memorySectors - work.busSectors;
  work.writtenSectors = double(traffic.written) * scale;
  return std::nullopt;
}

/// What the meter counted, scaled from the blocks that ran to all.
static void addCounted(LaunchWork &work, const LaunchWork &counted, double scale) {
  for (double LaunchWork::*sum :
       {&LaunchWork::instructions, &LaunchWork::multiplyAdds, &LaunchWork::products,
        &LaunchWork::groupProducts, &LaunchWork::groupCodes, &LaunchWork::sharedWavefronts,
        &LaunchWork::lineWavefronts, &LaunchWork::firstLevelSectors, &LaunchWork::storedSectors}) {
    work.*sum = counted.*sum * scale;
  }
  work.mean = counted.mean;
  work.longest = counted.longest;
}

static LaunchPrediction predictionOf(const LaunchTime &time, const LaunchWork &work,
                                     int64_t observed) {
  LaunchPrediction prediction;
  prediction.seconds = time.seconds;
  prediction.launchSeconds = time.parts[size_t(Limit::Launch)];
  prediction.limit = nameOf(time.limit);
  for (size_t i = 0; i < limitCount; ++i) {
    prediction.parts.emplace_back(nameOf(Limit(i)), time.parts[i]);
  }
  prediction.memoryBytes = work.memoryBytes();
  prediction.l2Bytes = work.l2Bytes();
  prediction.flops = work.flops();
  prediction.tensorFlops = work.tensorFlops();
  prediction.loadsWaited = work.mean.loads;
  prediction.shufflesWaited = work.mean.shuffles;
  prediction.barriersWaited = work.mean.barriers;
  prediction.blocks = work.blocks;
  prediction.observedBlocks = observed;
  return prediction;
}

Expected<std::optional<BlockFailure>>
Predictor::predict(BlockWork next, std::span<const std::byte> code, LaunchPrediction &prediction) {
  Expected<int64_t> clusters = clusterCount(next);
  if (!clusters) {
    return clusters.failure();
  }
  LaunchWork work;
  work.blocks = next.grid.blocks();
  work.tiles = next.tiles * next.grid.parts;
  work.block = {int64_t(next.threads), int64_t(next.sharedBytes), next.registers};
  atOnce = blocksAtOnce(ofChip, work.block);
  meter.beginLaunch(code, cacheOfBlock(ofChip, work.block));
  next.meter = &meter;
  if (Status prepared = cluster->prepare(next); !prepared) {
    return prepared;
  }
  int64_t count = *clusters;
  if (work.blocks > 0) {
    // The first one shows how much one does.
    std::optional<BlockFailure> failed = runCluster(0);
    if (!failed) {
      int64_t most = observedAccesses / std::max<int64_t>(1, meter.accesses());
      count = std::min(*clusters, std::max(fewestClusters, most));
      if (count == *clusters) {
        wave.emplace_back(meter.trace().begin(), meter.trace().end());
        failed = runAll(1, *clusters, work);
      } else {
        failed = runSome(count, *clusters, work);
      }
    }
    if (failed) {
      wave.clear();
      return failed;
    }
  }
  // Of a cluster one block was counted, which stands for all.
  int64_t together = next.grid.clusterBlocks();
  for (double LaunchWork::*sum : {&LaunchWork::memorySectors, &LaunchWork::busSectors,
                                  &LaunchWork::l2Sectors, &LaunchWork::writtenSectors}) {
    work.*sum *= double(together);
  }
  addCounted(work, meter.counted(), count > 0 ? double(work.blocks) / double(count) : 0);
  prediction = predictionOf(timeOf(ofChip, work), work, count);
  prediction.registers = next.registers;
  plan::Occupancy occupancy = plan::occupancyOf(ofChip, work.block);
  prediction.blocksAtOnce = occupancy.blocks;
  prediction.occupancyLimit = name(occupancy.limit);
  return std::optional<BlockFailure>();
}
