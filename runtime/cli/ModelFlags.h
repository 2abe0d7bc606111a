//===- ModelFlags.h - how a command is told its model -----------*- C++ -*-===//
#pragma once

#include "dsv3/Checkpoint/ModelConfig.h"
#include "dsv3/Support/Status.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace CLI {
class App;
} // namespace CLI

namespace dsv3::cli {

/// The most tokens that any flag may ask for: no model has positions for more.
inline constexpr int64_t mostTokens = checkpoint::ConfigLimits::positions;

/// The flags that every command that runs a model has.
struct ModelFlags {
  std::string model;
  std::string config;         ///< a config.json alone, with made-up weights, instead of a model
  std::string variant;        ///< empty: the best
  std::string weights, head;  ///< encodings that are compiled for; empty: as stored
  std::string calibration;    ///< a file of text that int4 weights are fitted to; empty: none
  std::string activations;    ///< rows of products that are compiled for; empty: f32
  std::string cacheType;      ///< elements of the cache that are compiled for; empty: f32
  std::string weightsInPlace; ///< which of bf16 are not packed; empty: those of experts
  std::string policy;         ///< precision that is compiled for; empty: f32
  std::string device = "cpu";
  uint64_t simSeed = 0; ///< of a simulated device
  bool simCheck = false;
  std::string experts = "device"; ///< where weights of routed experts are, or "host"
  std::string chip;               ///< whose times a simulated device predicts; empty: none
  int threads = 0;
  std::string numa = "none"; ///< a runtime::NumaMode
  int64_t context = 0, chunk = 0;
  bool observeInputs = false; ///< of products; no flag, for a calibration
  bool dummy = false, rebuild = false, keepPacked = false, verifyPacked = false;
  uint64_t dummySeed = 0;
};
void addModelFlags(CLI::App &command, ModelFlags &flags);
/// Whether the weights of routed experts stay in the memory of the host.
bool keepsExpertsOnHost(const ModelFlags &flags);
/// Fails where flags contradict each other, or no weights can be had whatever the files hold: a
/// configuration alone, without --dummy.
Status checkSource(const ModelFlags &flags);
/// What dsv3-compile is told of the types of weights and cache.
std::vector<std::string> compileOptions(const ModelFlags &flags);
/// The configuration of a model with made-up weights.
std::filesystem::path configPath(const ModelFlags &flags);

} // namespace dsv3::cli
