//===- Scores.h - what a model says of a prompt -----------------*- C++ -*-===//
//
// The file of `score`, for whatever computes the logits. All shapes are known before
// the first step, so values go to their places in the file as they come: what is held
// in memory does not grow with the logits of a long prompt.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/ModelConfig.h"
#include "dsv3/Checkpoint/SafetensorsWriter.h"
#include "dsv3/Support/Status.h"
#include "runtime/session/LanguageModel.h"

#include <map>
#include <span>
#include <string>

namespace CLI {
class App;
} // namespace CLI

namespace dsv3::cli {

/// Besides logits.
struct ScoreOptions {
  bool hidden = false, router = false, mtp = false;
};
struct ScoreFlags {
  std::string output;
  ScoreOptions wanted;
};
void addScoreFlags(CLI::App &command, ScoreFlags &flags);

/// A safetensors file, there whole or not at all: logits [tokens, vocabulary] and, as
/// wanted, hidden [layers + 1, tokens, hidden size], router.L.experts and
/// router.L.weights [tokens, experts per token], mtp_logits [tokens - 1, vocabulary].
/// Movable. Destroyed before finish() succeeds, it leaves nothing.
class ScoreFile {
public:
  /// Takes the space on the disk. Precondition: `tokens` is 1 or more.
  static Expected<ScoreFile> create(const ScoreFlags &flags, const checkpoint::ModelConfig &config,
                                    int64_t tokens);

  /// Rows of consecutive tokens.
  struct Rows {
    int64_t first = 0; ///< counted over all dimensions but the last
    int64_t rows = 0, columns = 0;
    DType type = DType::F32;
    const void *data = nullptr;
  };
  /// Fails if the file has no such tensor, its rows are others or it cannot be written.
  Status write(const std::string &tensor, const Rows &rows);
  Status finish() { return writer.finish(); }

  int64_t tokens() const { return tokenCount; }
  int64_t layers() const { return layerCount; }
  const ScoreOptions &wanted() const { return options; }

private:
  struct Place {
    size_t index = 0; ///< in the file
    int64_t rows = 0, columns = 0;
    DType type = DType::F32;
  };
  ScoreFile(checkpoint::SafetensorsWriter writer, std::map<std::string, Place> places,
            int64_t tokens, int64_t layers, const ScoreOptions &options)
      : writer(std::move(writer)), places(std::move(places)), tokenCount(tokens),
        layerCount(layers), options(options) {}

  checkpoint::SafetensorsWriter writer;
  std::map<std::string, Place> places;
  int64_t tokenCount, layerCount;
  ScoreOptions options;
};

/// For --mtp: fails if the model has no MTP module.
Status checkMtp(bool there);

/// Feeds `ids`, as many as the file is for, to a fresh model, with progress on stderr, and
/// publishes the file. Fails if the MTP module is asked for and there is none, a step fails
/// or the file cannot be written.
Status writeScores(runtime::LanguageModel &model, std::span<const int32_t> ids, ScoreFile file);

} // namespace dsv3::cli
