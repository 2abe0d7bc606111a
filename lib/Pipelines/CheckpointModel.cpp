//===- CheckpointModel.cpp - a model as users name it, ready to compile ---===//
#include "dsv3/Pipelines/CheckpointModel.h"

namespace dsv3 {

static Expected<std::unique_ptr<CheckpointModel>> openModel(const std::string &directory) {
  Expected<checkpoint::Checkpoint> opened = checkpoint::Checkpoint::open(directory);
  if (!opened) {
    return opened.status();
  }
  Expected<checkpoint::ModelConfig> config =
      checkpoint::parseModelConfig(opened->configText(), opened->configWhere());
  if (!config) {
    return config.status();
  }
  Expected<checkpoint::TensorCheck> check = checkpoint::checkTensors(*config, *opened);
  if (!check) {
    return check.status();
  }
  std::unique_ptr<CheckpointModel> model(
      new CheckpointModel{std::move(*opened), {}, std::move(check->notes)});
  for (const std::string &note : model->checkpoint.notes()) {
    model->notes.push_back(note);
  }
  model->source.config = *config;
  model->source.identity = model->checkpoint.identity();
  model->source.options.mtp = check->hasMtp;
  model->source.options.context = config->maxPositionEmbeddings;
  model->source.storedType = [checkpoint = &model->checkpoint](llvm::StringRef key) {
    const checkpoint::TensorInfo *info = checkpoint->find({key.data(), key.size()});
    return info && info->dtype ? *info->dtype : DType::F32;
  };
  return model;
}

/// What the text of a config.json says; `where` names it in a failure.
static Expected<ModelSource> publishedModel(const std::string &configText,
                                            const std::string &where) {
  Expected<checkpoint::ModelConfig> config = checkpoint::parseModelConfig(configText, where);
  if (!config) {
    return config.status();
  }
  ModelSource source;
  source.config = *config;
  source.storedType = import::publishedTypes(*config);
  source.options.mtp = config->numNextnPredictLayers > 0;
  source.options.context = config->maxPositionEmbeddings;
  return source;
}

Expected<ModelInput> openInput(const std::string &directory, const std::string &config) {
  ModelInput input;
  if (!directory.empty()) {
    Expected<std::unique_ptr<CheckpointModel>> opened = openModel(directory);
    if (!opened) {
      return opened.status();
    }
    input.checkpoint = std::move(*opened);
    input.configText = input.checkpoint->checkpoint.configText();
    return input;
  }
  Expected<std::string> text = checkpoint::readConfigText(config);
  if (!text) {
    return text.status();
  }
  input.configText = *std::move(text);
  Expected<ModelSource> published = publishedModel(input.configText, config);
  if (!published) {
    return published.status();
  }
  input.published = *std::move(published);
  return input;
}

} // namespace dsv3
