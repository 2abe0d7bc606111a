//===- Model.h - from --model to a session ----------------------*- C++ -*-===//
//
// From what --model names to a session in three steps: findModel reads everything that is
// small (configuration, headers, tokenizer), so that a prompt and what else a command needs
// can be checked; openModel has it compiled if need be; startModel loads the weights.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Checkpoint/GenerationConfig.h"
#include "dsv3/Checkpoint/ModelConfig.h"
#include "runtime/bundle/Bundle.h"
#include "runtime/cli/ModelFlags.h"
#include "runtime/params/ParameterStore.h"
#include "runtime/session/ContextRoom.h"
#include "runtime/session/Session.h"
#include "runtime/tokenizer/Tokenizer.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace dsv3::cli {

/// What stands beside a model's weights.
struct ModelTexts {
  checkpoint::ModelConfig config;
  checkpoint::GenerationConfig generation;
  std::optional<text::Tokenizer> tokenizer; ///< none if the model comes without
};
/// Reads generation_config.json and the tokenizer, where they are, of `directory`.
Expected<ModelTexts> readTexts(const std::filesystem::path &directory,
                               checkpoint::ModelConfig config);

/// A model before anything of it is compiled.
struct FoundModel {
  std::optional<runtime::Bundle> bundle;            ///< none where it must be compiled
  std::optional<checkpoint::Checkpoint> checkpoint; ///< none with --dummy
  ModelTexts texts;

  /// Tokens that the cache will hold.
  int64_t context(const ModelFlags &flags) const { return room(flags).tokens; }
  runtime::ContextRoom room(const ModelFlags &flags) const;
  /// Whether there is an MTP module. Fails if the checkpoint holds half of one or lacks others
  /// of its tensors.
  Expected<bool> hasMtp() const;
};
/// Says on stderr what is odd. Fails if something is missing or does not belong together, or
/// there is not the context that was asked for.
Expected<FoundModel> findModel(const ModelFlags &flags);

/// A model without its weights.
struct ModelFiles {
  std::unique_ptr<runtime::Device> device; ///< that it will run on
  runtime::Bundle bundle;
  size_t variant = 0;
  std::optional<checkpoint::Checkpoint> checkpoint; ///< none with --dummy
  ModelTexts texts;
  int64_t context = 0; ///< tokens that the cache will hold
};
/// Has the model compiled unless it is, and says so on stderr. Fails if it is not for this
/// machine, or, before it is compiled, if the machine has no memory for its weights.
Expected<ModelFiles> openModel(FoundModel model, const ModelFlags &flags);

/// How weights came into memory.
enum class WeightOrigin : uint8_t { Packed, Mapped, MadeUp };

struct LoadedWeights {
  runtime::ParameterStore store;
  WeightOrigin origin = WeightOrigin::Packed;
  double seconds = 0; ///< until the store was complete; not those of keeping it
  bool taken = false; ///< a device has them (runtime::LoadOptions::take), the store does not
};

/// Owns all that a session needs. Not movable: the session refers to the rest.
struct RunningModel {
  std::unique_ptr<runtime::Device> device;
  std::optional<LoadedWeights> weights; ///< none in host memory for other devices than the CPU
  std::unique_ptr<runtime::Buffer> deviceWeights; ///< there
  std::unique_ptr<runtime::Buffer> hostExperts;   ///< weights that such a device reads on the host
  std::unique_ptr<runtime::Session> session;
};
/// Loads the weights, with progress on stderr. `files`, whose device it takes, must outlive the
/// result.
Expected<std::unique_ptr<RunningModel>> startModel(ModelFiles &files, const ModelFlags &flags);

} // namespace dsv3::cli
