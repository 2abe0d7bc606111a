//===- LaunchModel.cpp - how long a chip takes for a launch ---------------===//

#include "runtime/predict/LaunchModel.h"

#include "runtime/predict/SectorCache.h"

#include <algorithm>
#include <cmath>

using namespace dsv3;
using namespace dsv3::runtime;

/// Multiplications and additions of one mma.sync.m16n8k16.
static constexpr double productFlops = 2.0 * 16 * 8 * 16;
/// Warps of a multiprocessor that can each begin an instruction in a clock.
static constexpr double issued = 4;
/// Bytes a clock from the L2 to a multiprocessor, and of a wavefront.
static constexpr double pathBytes = 64;
/// Clocks until a thread has another lane's value, and until it goes on behind a barrier.
static constexpr double shuffleClocks = 24, barrierClocks = 30;

double LaunchWork::memoryBytes() const {
  return (memorySectors + writtenSectors) * double(sectorBytes);
}
double LaunchWork::l2Bytes() const {
  return (l2Sectors + memorySectors + busSectors + storedSectors) * double(sectorBytes);
}
double LaunchWork::tensorFlops() const {
  return (products + groupProducts + groupCodes) * productFlops;
}
double LaunchWork::flops() const {
  return tensorFlops() + 2.0 * multiplyAdds * double(plan::warpThreads);
}

std::string_view runtime::nameOf(Limit limit) {
  switch (limit) {
  case Limit::Memory:
    return "memory";
  case Limit::Bus:
    return "bus";
  case Limit::L2:
    return "L2";
  case Limit::FirstLevel:
    return "shared/L1";
  case Limit::TensorCores:
    return "tensor cores";
  case Limit::MultiplyAdds:
    return "multiply-adds";
  case Limit::Issue:
    return "issue";
  case Limit::Latency:
    return "latency";
  case Limit::Launch:
    return "launch";
  }
  return "";
}

int64_t runtime::blocksAtOnce(const plan::Chip &chip, const plan::BlockNeeds &block) {
  return std::max<int64_t>(1, plan::occupancyOf(chip, block).blocks);
}

int64_t runtime::cacheOfBlock(const plan::Chip &chip, const plan::BlockNeeds &block) {
  int64_t share = chip.firstLevelBytes / blocksAtOnce(chip, block);
  return std::max<int64_t>(lineBytes, share - block.sharedBytes - plan::reservedSharedBytes);
}

/// Seconds of a chain of waiting; a load takes as long as the average one of the launch.
static double chainSeconds(const plan::Chip &chip, const LaunchWork &work, const WaitChain &chain) {
  double behind = work.memorySectors + work.busSectors;
  double loaded = work.firstLevelSectors + work.l2Sectors + behind;
  double clocks = work.firstLevelSectors * chip.firstLevelLatency +
                  work.l2Sectors * chip.l2Latency + behind * chip.memoryLatency;
  double ofLoad = loaded > 0 ? clocks / loaded : 0;
  return (chain.loads * ofLoad + chain.shuffles * shuffleClocks + chain.barriers * barrierClocks) /
         chip.clock;
}

/// Clocks of the tensor cores of one multiprocessor for all of it.
static double tensorClocks(const plan::Chip &chip, const LaunchWork &work) {
  double ofCodes = work.groupCodes > 0 ? work.groupCodes / chip.tensorFp8 : 0;
  return productFlops * (work.products / (chip.tensorBf16 * chip.warpMmaFraction) +
                         work.groupProducts / chip.tensorBf16 + ofCodes);
}

LaunchTime runtime::timeOf(const plan::Chip &chip, const LaunchWork &work) {
  LaunchTime time;
  auto &parts = time.parts;
  auto part = [&parts](Limit limit) -> double & { return parts[size_t(limit)]; };
  if (work.blocks > 0) {
    auto blocks = double(work.blocks);
    auto tiles = double(std::max(work.tiles, work.blocks));
    // The multiprocessor with the most blocks, and of those a block with the most tiles, is done
    // last.
    double busiest = std::ceil(blocks / chip.multiprocessors) * std::ceil(tiles / blocks) / tiles;
    double atOnce = double(blocksAtOnce(chip, work.block));
    double waves = std::ceil(blocks / (chip.multiprocessors * atOnce));
    auto ofBusiest = [&](double work, double perClock) {
      return work * busiest / perClock / chip.clock;
    };
    part(Limit::Memory) = work.memoryBytes() / (chip.memoryBandwidth * chip.copyFraction);
    part(Limit::Bus) = work.busSectors * double(sectorBytes) / chip.busBandwidth;
    part(Limit::L2) =
        std::max(work.l2Bytes() / chip.l2Bandwidth, ofBusiest(work.l2Bytes(), pathBytes));
    part(Limit::FirstLevel) = ofBusiest(work.sharedWavefronts + work.lineWavefronts, 1);
    part(Limit::TensorCores) = ofBusiest(tensorClocks(chip, work), 1);
    part(Limit::MultiplyAdds) =
        ofBusiest(work.multiplyAdds * double(plan::warpThreads), chip.multiplyAdds);
    part(Limit::Issue) = ofBusiest(work.instructions, issued);
    part(Limit::Latency) = std::max(waves * chainSeconds(chip, work, work.mean),
                                    chainSeconds(chip, work, work.longest));
  }
  time.seconds = chip.launchSeconds + std::ranges::max(parts);
  part(Limit::Launch) = chip.launchSeconds;
  time.limit = Limit(std::ranges::max_element(parts) - parts.begin());
  return time;
}
