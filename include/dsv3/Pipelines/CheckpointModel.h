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

/// What tools are given to compile: a checkpoint, or a config.json alone.
struct ModelInput {
  std::unique_ptr<CheckpointModel> checkpoint; ///< null without one
  ModelSource published;                       ///< without a checkpoint: types as published
  std::string configText;

  ModelSource &source() { return checkpoint ? checkpoint->source : published; }
  /// Oddities of the checkpoint.
  llvm::ArrayRef<std::string> notes() const {
    return checkpoint ? llvm::ArrayRef<std::string>(checkpoint->notes)
                      : llvm::ArrayRef<std::string>();
  }
};

/// Opens the checkpoint `directory`, reads its config.json and checks every tensor; where
/// `directory` is empty, reads `config`, the path of a config.json.
Expected<ModelInput> openInput(const std::string &directory, const std::string &config);

} // namespace dsv3
