//===- OpenModel.cpp - a model without its weights ------------------------===//
#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Hash.h"
#include "runtime/base/Cpu.h"
#include "runtime/bundle/CompileCache.h"
#include "runtime/cli/Calibration.h"
#include "runtime/cli/DeviceFlag.h"
#include "runtime/cli/Interrupt.h"
#include "runtime/cli/MemoryCheck.h"
#include "runtime/cli/Model.h"
#include "runtime/cli/Streams.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace fs = std::filesystem;

namespace dsv3::cli {

runtime::ContextRoom FoundModel::room(const ModelFlags &flags) const {
  // dsv3-run has models compiled for all their positions.
  int64_t positions = texts.config.maxPositionEmbeddings;
  int64_t compiled = bundle ? bundle->plan().cache.maxContext : positions;
  return {flags.context > 0 ? flags.context : compiled, compiled, positions};
}

Expected<bool> FoundModel::hasMtp() const {
  if (bundle) {
    return std::ranges::any_of(bundle->plan().entries, [](const plan::Entry &entry) {
      return entry.role == plan::roleMtp;
    });
  }
  if (!checkpoint) {
    return texts.config.numNextnPredictLayers > 0;
  }
  Expected<checkpoint::TensorCheck> check = checkpoint::checkTensors(texts.config, *checkpoint);
  return check ? Expected<bool>(check->hasMtp) : check.failure();
}

/// The variant that the model is to be compiled for.
static Expected<std::string> variantToCompile(const ModelFlags &flags,
                                              const runtime::Device &device) {
  if (gpuOf(flags.device)) {
    return gpuVariant(device, flags.policy);
  }
  // What is asked for by name need not be what suits the activations best.
  std::vector<std::string> names;
  if (flags.variant.empty()) {
    names = plan::variantsFor(plan::activationsFromName(flags.activations).value_or(DType::F32));
  } else {
    names.push_back(flags.variant);
  }
  Expected<size_t> chosen = runtime::chooseVariant(names, flags.variant);
  return chosen ? Expected<std::string>(names[*chosen]) : chosen.failure();
}

/// The bundle of a model that is none itself.
static Expected<runtime::Bundle> compileModel(const FoundModel &model, const ModelFlags &flags,
                                              const runtime::Device &device) {
  Expected<std::string> variant = variantToCompile(flags, device);
  if (!variant) {
    return variant.failure();
  }
  runtime::CompileRequest request;
  request.variant = *variant;
  request.options = compileOptions(flags);
  request.rebuild = flags.rebuild;
  request.cancel = watchInterrupts();
  request.say = say;
  request.admit = [&] {
    // What encoded weights take, the plan tells.
    bool encodes = !flags.weights.empty() || !flags.head.empty();
    return encodes ? Status() : checkWeights(model.texts.config, model.checkpoint);
  };
  request.input = flags.model;
  if (model.checkpoint) {
    request.identity = model.checkpoint->identity();
  } else {
    request.inputFlag = "--config";
    request.input = configPath(flags);
    Expected<std::string> config = checkpoint::readConfigText(request.input);
    if (!config) {
      return config.failure();
    }
    request.identity = hash128(*config).hex();
  }
  return runtime::compiledBundle(request);
}

static Expected<runtime::Bundle> openBundle(const ModelFlags &flags) {
  if (flags.rebuild) {
    return Failure{"--rebuild compiles a checkpoint directory, but this is a bundle", flags.model,
                   "leave --rebuild out, or make the bundle again with dsv3-compile"};
  }
  std::vector<std::string> options = compileOptions(flags);
  // What is the default of compiling, too, may be otherwise in the bundle.
  for (const auto &[flag, value] : {std::pair("--policy", &flags.policy),
                                    std::pair("--weights-in-place", &flags.weightsInPlace)}) {
    if (!value->empty()) {
      options.emplace_back(flag);
    }
  }
  if (!options.empty()) {
    return Failure{options[0] + " is a choice of compiling, but this is a bundle", flags.model,
                   "leave it out, or give the checkpoint directory"};
  }
  return runtime::Bundle::open(flags.model);
}

/// The directory of the checkpoint that a bundle names.
static Expected<fs::path> checkpointOf(const runtime::Bundle &bundle) {
  if (!bundle.checkpoint()) {
    return Failure{"the bundle was compiled from a configuration alone and has no weights",
                   bundle.directory().string(), "give --dummy, or compile a checkpoint"};
  }
  return bundle.directory() / *bundle.checkpoint();
}

Expected<ModelTexts> readTexts(const fs::path &directory, checkpoint::ModelConfig config) {
  Expected<checkpoint::GenerationConfig> generation = checkpoint::readGenerationConfig(directory);
  if (!generation) {
    return generation.failure();
  }
  ModelTexts texts{std::move(config), *std::move(generation), {}};
  std::error_code error;
  if (fs::exists(directory / "tokenizer.json", error)) {
    Expected<text::Tokenizer> tokenizer = text::Tokenizer::load(directory);
    if (!tokenizer) {
      return tokenizer.failure();
    }
    texts.tokenizer = *std::move(tokenizer);
  }
  return texts;
}

/// A checkpoint, with its oddities said.
static Expected<checkpoint::Checkpoint> openCheckpoint(const fs::path &directory) {
  Expected<checkpoint::Checkpoint> opened = checkpoint::Checkpoint::open(directory);
  if (opened) {
    for (const std::string &note : opened->notes()) {
      say("note: " + note);
    }
  }
  return opened;
}

/// A bundle, and the checkpoint that it was compiled from unless weights are made up.
static Status findBundle(const ModelFlags &flags, FoundModel &model) {
  Expected<runtime::Bundle> bundle = openBundle(flags);
  if (!bundle) {
    return bundle.status();
  }
  if (!flags.dummy) {
    Expected<fs::path> source = checkpointOf(*bundle);
    if (!source) {
      return source.status();
    }
    Expected<checkpoint::Checkpoint> checkpoint = openCheckpoint(*source);
    if (!checkpoint) {
      Failure failure = checkpoint.failure();
      failure.hint += "\n  note: the bundle " + flags.model + " was compiled from there";
      return failure;
    }
    if (Status same = bundle->checkIdentity(*checkpoint); !same) {
      return same;
    }
    model.checkpoint = *std::move(checkpoint);
  }
  model.bundle = *std::move(bundle);
  return {};
}

/// The text of the configuration, and how failures name it.
static Expected<std::string> configOf(const FoundModel &model, const ModelFlags &flags,
                                      std::string &where) {
  where = model.bundle ? (model.bundle->directory() / plan::configFileName).string()
                       : configPath(flags).string();
  return model.bundle       ? model.bundle->configText()
         : model.checkpoint ? model.checkpoint->configText()
                            : checkpoint::readConfigText(where);
}

static Status checkContext(const FoundModel &model, const ModelFlags &flags) {
  runtime::ContextRoom room = model.room(flags);
  if (room.tokens <= room.compiled) {
    return {};
  }
  room.tokens = room.compiled; // what there is, for the hint
  return Failure{"a context of " + std::to_string(flags.context) +
                     " tokens was asked for, the model is compiled for " +
                     std::to_string(room.compiled),
                 "--context", room.hint("leave it out or give less")};
}

Expected<FoundModel> findModel(const ModelFlags &flags) {
  FoundModel model;
  if (Status readable = checkCalibrationFile(flags); !readable) {
    return readable;
  }
  fs::path directory = configPath(flags).parent_path();
  if (!flags.model.empty() && runtime::Bundle::isBundle(flags.model)) {
    if (Status found = findBundle(flags, model); !found) {
      return found;
    }
    directory = model.bundle->directory() / model.bundle->checkpoint().value_or("");
  } else if (!flags.dummy) {
    Expected<checkpoint::Checkpoint> checkpoint = openCheckpoint(flags.model);
    if (!checkpoint) {
      return checkpoint.failure();
    }
    model.checkpoint = *std::move(checkpoint);
  }
  std::string where;
  Expected<std::string> text = configOf(model, flags, where);
  if (!text) {
    return text.failure();
  }
  Expected<checkpoint::ModelConfig> config = checkpoint::parseModelConfig(*text, where);
  if (!config) {
    return config.failure();
  }
  Expected<ModelTexts> texts = readTexts(directory, *std::move(config));
  if (!texts) {
    return texts.failure();
  }
  model.texts = *std::move(texts);
  if (Status fits = checkContext(model, flags); !fits) {
    return fits;
  }
  return model;
}

Expected<ModelFiles> openModel(FoundModel model, const ModelFlags &flags) {
  int64_t context = model.context(flags);
  Expected<std::unique_ptr<runtime::Device>> device = createDevice(flags);
  if (!device) {
    return device.failure();
  }
  Expected<runtime::Bundle> bundle =
      model.bundle ? *std::move(model.bundle) : compileModel(model, flags, **device);
  if (!bundle) {
    return bundle.failure();
  }
  if (model.checkpoint) {
    // What was compiled just now was read once more.
    if (Status same = bundle->checkIdentity(*model.checkpoint); !same) {
      return same;
    }
  }
  Expected<size_t> variant =
      gpuOf(flags.device) ? bundle->chooseVariant(**device) : bundle->chooseVariant(flags.variant);
  if (!variant) {
    return variant.failure();
  }
  return ModelFiles{*std::move(device),          *std::move(bundle),     *variant,
                    std::move(model.checkpoint), std::move(model.texts), context};
}

} // namespace dsv3::cli
