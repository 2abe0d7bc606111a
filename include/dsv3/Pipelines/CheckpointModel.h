//===- CheckpointModel.h - a model as users name it, ready to compile -*- C++ -*-===//
#pragma once

#include "dsv3/Checkpoint/Checkpoint.h"
#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Pipelines/Compiler.h"

#include <memory>

namespace dsv3 {

/// A checkpoint that was opened and checked, and what the compiler needs of it. Not
/// movable: the source refers to the checkpoint.
struct CheckpointModel {
  checkpoint::Checkpoint checkpoint;
  ModelSource source;
  /// Oddities that do no harm, for the user to read.
  std::vector<std::string> notes;
};

/// Opens the directory, reads config.json, checks every tensor.
Expected<std::unique_ptr<CheckpointModel>> openModel(const std::string &directory);

/// A model without a checkpoint: what the text of a config.json says, types as published.
/// `where` names it in a failure.
Expected<ModelSource> publishedModel(const std::string &configText, const std::string &where);

} // namespace dsv3
