//===- TensorCheck.cpp - a checkpoint against its configuration -----------===//
//
// Looks up every expected tensor and its scales in the sorted list of what is there and
// marks what it found; what stays unmarked is left over. n log n in the number of tensors.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/Json.h"
#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Checkpoint/TensorPatterns.h"

#include <algorithm>

namespace dsv3::checkpoint {

namespace {
/// One check: the tensors that are there, and what was found out so far.
class Checker {
public:
  Checker(const ModelConfig &config, std::span<const TensorInfo> present)
      : config(config), present(present), used(present.size(), false),
        mtpPrefix("model.layers." + std::to_string(config.numHiddenLayers) + ".") {}

  Expected<TensorCheck> run(const std::string &where);

private:
  const TensorInfo *take(std::string_view key);
  bool hasMtpTensors() const;
  void checkOne(const ExpectedTensor &expected);
  void checkScale(const ExpectedTensor &expected, const TensorInfo &weight);
  void checkLeftovers();
  Failure failure(const std::string &where) const;

  const ModelConfig &config;
  std::span<const TensorInfo> present; ///< sorted by name
  std::vector<bool> used;
  std::string mtpPrefix;
  TensorPatterns defects;
  TensorCheck result;
  bool anyMissing = false;
};
} // namespace

/// The tensor of that key, marked as used; null if there is none.
const TensorInfo *Checker::take(std::string_view key) {
  auto found = std::lower_bound(
      present.begin(), present.end(), key,
      [](const TensorInfo &tensor, std::string_view name) { return tensor.name < name; });
  if (found == present.end() || found->name != key) {
    return nullptr;
  }
  used[static_cast<size_t>(found - present.begin())] = true;
  return &*found;
}

bool Checker::hasMtpTensors() const {
  auto found = std::lower_bound(
      present.begin(), present.end(), mtpPrefix,
      [](const TensorInfo &tensor, const std::string &name) { return tensor.name < name; });
  return found != present.end() && found->name.starts_with(mtpPrefix);
}

void Checker::checkScale(const ExpectedTensor &expected, const TensorInfo &weight) {
  const std::string key = expected.scaleKey();
  const TensorInfo *scale = take(key);
  bool isFp8 = weight.dtype == DType::F8E4M3;
  if (!isFp8) {
    if (scale != nullptr) {
      defects.add(key, "is there, but its weight is stored as " + weight.dtypeName +
                           ", which has no scales");
    }
    return;
  }
  result.hasFp8 = true;
  if (!config.quantization) {
    defects.add(weight.name, "is stored as F8_E4M3, but config.json has no quantization_config");
    return;
  }
  if (scale == nullptr) {
    defects.add(key, "is missing; its weight is stored as F8_E4M3");
    return;
  }
  std::vector<int64_t> shape = scaleShape(expected.shape, config.quantization->weightBlockSize);
  if (scale->shape != shape) {
    defects.add(key, "has shape " + shapeText(scale->shape) + ", expected " + shapeText(shape) +
                         ": one scale per block of " +
                         shapeText(config.quantization->weightBlockSize));
  }
  if (!scale->dtype || std::ranges::find(scaleTypes, *scale->dtype) == scaleTypes.end()) {
    defects.add(key, "is stored as " + scale->dtypeName + ", expected F32 or BF16");
  }
}

void Checker::checkOne(const ExpectedTensor &expected) {
  const TensorInfo *found = take(expected.key);
  if (found == nullptr) {
    if (!expected.isOptional()) {
      anyMissing = true;
      defects.add(expected.key, "is missing");
    }
    if (expected.mayBeFp8()) {
      take(expected.scaleKey()); // to complain about it too would be noise
    }
    return;
  }
  if (found->shape != expected.shape) {
    defects.add(expected.key,
                "has shape " + shapeText(found->shape) + ", expected " + shapeText(expected.shape));
  }
  bool isFloat =
      found->dtype == DType::BF16 || found->dtype == DType::F16 || found->dtype == DType::F32;
  bool isFp8 = found->dtype == DType::F8E4M3;
  if (!isFloat && !(isFp8 && expected.mayBeFp8())) {
    defects.add(expected.key, "is stored as " + inQuotes(found->dtypeName) +
                                  ", expected BF16, F16 or F32" +
                                  (expected.mayBeFp8() ? " or, with scales, F8_E4M3" : ""));
  }
  if (expected.mayBeFp8() && found->shape == expected.shape) {
    checkScale(expected, *found);
  } else if (expected.mayBeFp8()) {
    take(expected.scaleKey());
  }
}

void Checker::checkLeftovers() {
  size_t frequencies = 0, empty = 0, unusedMtp = 0;
  for (size_t i = 0; i < present.size(); ++i) {
    if (used[i]) {
      continue;
    }
    const std::string &name = present[i].name;
    if (name.ends_with(".rotary_emb.inv_freq")) {
      ++frequencies;
    } else if (config.tieWordEmbeddings && name == "lm_head.weight") {
      result.notes.push_back("lm_head.weight is there, but tie_word_embeddings is true: the "
                             "embedding is used for the head");
    } else if (config.numNextnPredictLayers == 0 && name.starts_with(mtpPrefix)) {
      ++unusedMtp;
    } else if (present[i].byteCount == 0) {
      ++empty;
    } else {
      defects.add(name, "belongs to no part of the model that config.json describes");
    }
  }
  auto note = [&](size_t count, const char *text) {
    if (count > 0) {
      result.notes.push_back(std::to_string(count) + text);
    }
  };
  note(frequencies, " tensors rotary_emb.inv_freq are not used: config.json states them");
  note(unusedMtp, " tensors of an MTP layer are not used: num_nextn_predict_layers is 0");
  note(empty, " tensors without elements are not used");
}

Failure Checker::failure(const std::string &where) const {
  constexpr size_t shown = 20;
  std::vector<std::string> lines = defects.lines();
  std::string text = "the tensors do not fit config.json:";
  for (size_t i = 0; i < std::min(lines.size(), shown); ++i) {
    text += "\n  - " + lines[i];
  }
  if (lines.size() > shown) {
    text += "\n  - and " + std::to_string(lines.size() - shown) + " more like these (" +
            std::to_string(defects.size()) + " tensors in all)";
  }
  return Failure{text, where,
                 anyMissing ? "is the download complete, and is config.json of the same model?"
                            : "is config.json of the same model?"};
}

Expected<TensorCheck> Checker::run(const std::string &where) {
  result.hasMtp = config.numNextnPredictLayers > 0 && hasMtpTensors();
  for (const ExpectedTensor &expected : expectedTensors(config)) {
    if (result.hasMtp || expected.layer < config.numHiddenLayers) {
      checkOne(expected);
    }
  }
  if (config.numNextnPredictLayers > 0 && !result.hasMtp) {
    result.notes.push_back("num_nextn_predict_layers is 1, but the checkpoint has no tensor of "
                           "the MTP layer (" +
                           mtpPrefix + "*): tokens cannot be drafted");
  }
  checkLeftovers();
  if (!defects.empty()) {
    return failure(where);
  }
  return std::move(result);
}

Expected<TensorCheck> checkTensors(const ModelConfig &config, std::span<const TensorInfo> tensors,
                                   const std::string &where) {
  try {
    return Checker(config, tensors).run(where);
  } catch (const std::exception &exception) { // memory
    return Failure{"cannot check the tensors: " + plainMessage(exception), where};
  }
}

Expected<TensorCheck> checkTensors(const ModelConfig &config, const Checkpoint &checkpoint) {
  return checkTensors(config, checkpoint.tensors(), checkpoint.directory().string());
}

} // namespace dsv3::checkpoint
