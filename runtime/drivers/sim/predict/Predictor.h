//===- Predictor.h - times of launches on a chip, predicted -----*- C++ -*-===//
//
// Runs blocks of a launch while a meter listens, has what they ask of the L2 answered by a
// model of it, and asks the model of the chip for the time. Of a launch whose blocks do
// much, some are run, drawn at random.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/sim/Cluster.h"
#include "runtime/drivers/sim/MappedMemory.h"
#include "runtime/drivers/sim/predict/Meter.h"
#include "runtime/hal/Device.h"

#include <memory>
#include <optional>
#include <vector>

namespace dsv3::runtime::sim {

/// Accesses of lanes of a launch that are observed before the other blocks are left out.
inline constexpr int64_t observedAccesses = int64_t(1) << 23;

/// Used by one thread at a time.
class Predictor {
public:
  static Expected<std::unique_ptr<Predictor>> create(const plan::Chip &chip,
                                                     std::shared_ptr<const MappedMemory> mapped);

  const plan::Chip &chip() const { return ofChip; }
  /// A step begins: nothing is in the L2.
  void beginStep() { l2.clear(); }
  /// Runs blocks of `work`, whose code is observed and lies in `code`. Fails as Grid::run does.
  Expected<std::optional<BlockFailure>> predict(BlockWork work, std::span<const std::byte> code,
                                                LaunchPrediction &prediction);

private:
  Predictor(const plan::Chip &chip, std::unique_ptr<Cluster> cluster,
            std::shared_ptr<const MappedMemory> mapped);
  std::optional<BlockFailure> runCluster(int64_t number) {
    return cluster->run(number * int64_t(cluster->size()));
  }
  std::optional<BlockFailure> runAll(int64_t first, int64_t clusters, LaunchWork &work);
  std::optional<BlockFailure> runSome(int64_t count, int64_t clusters, LaunchWork &work);
  /// The L2 answers the blocks of a wave, which go on side by side.
  void answerWave(LaunchWork &work);
  bool isMapped(const LineAccess &access) const;

  const plan::Chip &ofChip;
  std::unique_ptr<Cluster> cluster;
  Meter meter;
  SectorCache l2;
  std::shared_ptr<const MappedMemory> mapped;
  std::vector<std::vector<LineAccess>> wave;
  int64_t atOnce = 1; ///< blocks of the launch that the chip runs at once
};

} // namespace dsv3::runtime::sim
