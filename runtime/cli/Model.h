//===- Model.h - from --model to a session ----------------------*- C++ -*-===//
//
// Opens what --model names in two steps: first everything that is small (bundle,
// compiled if need be, configuration, tokenizer), so that a prompt can be checked, then
// weights and session.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Checkpoint/GenerationConfig.h"
#include "dsv3/Checkpoint/ModelConfig.h"
#include "runtime/bundle/Bundle.h"
#include "runtime/params/ParameterStore.h"
#include "runtime/session/ContextRoom.h"
#include "runtime/session/Session.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace CLI {
class App;
} // namespace CLI

namespace dsv3::cli {

/// The most tokens that any flag may ask for: no model has positions for more.
inline constexpr int64_t mostTokens = checkpoint::ConfigLimits::positions;

/// The flags that every command that runs a model has.
struct ModelFlags {
  std::string model;
  std::string config;  ///< a config.json alone, with made-up weights, instead of a model
  std::string variant; ///< empty: the best
  int threads = 0;
  int64_t context = 0, chunk = 0;
  bool dummy = false, rebuild = false, keepPacked = false;
  uint64_t dummySeed = 0;
};
void addModelFlags(CLI::App &command, ModelFlags &flags);
/// Fails where no weights can be had: a configuration alone, without --dummy.
Status checkSource(const ModelFlags &flags);
/// The configuration of a model with made-up weights.
std::filesystem::path configPath(const ModelFlags &flags);

/// What stands beside a model's weights.
struct ModelTexts {
  checkpoint::ModelConfig config;
  checkpoint::GenerationConfig generation;
  std::optional<text::Tokenizer> tokenizer; ///< none if the model comes without
};
/// Reads generation_config.json and the tokenizer, where they are, of `directory`.
Expected<ModelTexts> readTexts(const std::filesystem::path &directory,
                               checkpoint::ModelConfig config);

/// A model without its weights.
struct ModelFiles {
  runtime::Bundle bundle;
  size_t variant = 0;
  std::optional<checkpoint::Checkpoint> checkpoint; ///< none with --dummy
  ModelTexts texts;

  /// Tokens that the cache will hold.
  int64_t context(const ModelFlags &flags) const;
  runtime::ContextRoom room(const ModelFlags &flags) const;
};
/// Says on stderr what takes time and what is odd. Fails if something is missing, does
/// not belong together or is not for this machine.
Expected<ModelFiles> openModel(const ModelFlags &flags);

/// How weights came into memory.
enum class WeightOrigin : uint8_t { Packed, Mapped, MadeUp };

struct LoadedWeights {
  runtime::ParameterStore store;
  WeightOrigin origin = WeightOrigin::Packed;
  double seconds = 0; ///< until the store was complete; not those of keeping it
};

/// Owns all that a session needs. Not movable: the session refers to the rest.
struct RunningModel {
  std::unique_ptr<runtime::Device> device;
  std::optional<LoadedWeights> weights;
  std::unique_ptr<runtime::Session> session;
};
/// Loads the weights, with progress on stderr. `files` must outlive the result.
Expected<std::unique_ptr<RunningModel>> startModel(ModelFiles &files, const ModelFlags &flags);

} // namespace dsv3::cli
