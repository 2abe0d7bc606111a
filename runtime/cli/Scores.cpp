//===- Scores.cpp - what a model says of a prompt -------------------------===//
#include "runtime/cli/Scores.h"

#include "dsv3/Plan/Names.h"
#include "runtime/cli/PromptProgress.h"
#include "runtime/cli/Streams.h"
#include "runtime/session/Generate.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace dsv3::cli {

void addScoreFlags(CLI::App &command, ScoreFlags &flags) {
  command.add_option("--output", flags.output, "file to write")->required();
  command.add_flag("--hidden", flags.wanted.hidden,
                   "hidden [layers + 1, tokens, hidden size]: embedding and layers' outputs");
  command.add_flag("--router", flags.wanted.router,
                   "router.L.experts and router.L.weights [tokens, experts per token]");
  command.add_flag("--mtp", flags.wanted.mtp, "mtp_logits [tokens - 1, vocabulary]");
}

/// What is observed as "router.experts" is written as "router.3.experts".
static std::string routerName(int64_t layer, std::string_view observed) {
  return std::string(observed).insert(observed.find('.') + 1, std::to_string(layer) + ".");
}

static std::vector<checkpoint::TensorSpec>
tensorsOf(const ScoreOptions &wanted, const checkpoint::ModelConfig &config, int64_t tokens) {
  std::vector<checkpoint::TensorSpec> specs;
  if (wanted.hidden) {
    specs.push_back(
        {"hidden", DType::F32, {config.numHiddenLayers + 1, tokens, config.hiddenSize}});
  }
  specs.push_back({"logits", DType::F32, {tokens, config.vocabSize}});
  if (wanted.mtp) {
    specs.push_back({"mtp_logits", DType::F32, {tokens - 1, config.vocabSize}});
  }
  for (int64_t layer = 0; wanted.router && layer < config.numHiddenLayers; ++layer) {
    if (config.isMoeLayer(layer)) {
      std::vector<int64_t> shape{tokens, config.numExpertsPerTok};
      specs.push_back({routerName(layer, plan::observedExperts), DType::I32, shape});
      specs.push_back({routerName(layer, plan::observedWeights), DType::F32, shape});
    }
  }
  return specs;
}

Expected<ScoreFile> ScoreFile::create(const ScoreFlags &flags,
                                      const checkpoint::ModelConfig &config, int64_t tokens) {
  std::vector<checkpoint::TensorSpec> specs = tensorsOf(flags.wanted, config, tokens);
  std::map<std::string, Place> places;
  for (size_t i = 0; i < specs.size(); ++i) {
    int64_t rows = 1;
    for (size_t dim = 0; dim + 1 < specs[i].shape.size(); ++dim) {
      rows *= specs[i].shape[dim];
    }
    places[specs[i].name] = {i, rows, specs[i].shape.back(), specs[i].dtype};
  }
  Expected<checkpoint::SafetensorsWriter> writer =
      checkpoint::SafetensorsWriter::create(flags.output, specs);
  if (!writer) {
    return writer.failure();
  }
  return ScoreFile(*std::move(writer), std::move(places), tokens, config.numHiddenLayers,
                   flags.wanted);
}

Status ScoreFile::write(const std::string &tensor, const Rows &rows) {
  auto found = places.find(tensor);
  if (found == places.end()) {
    return Failure{"the model gives '" + tensor + "', which its config.json does not speak of", "",
                   "compile the bundle again with dsv3-compile"};
  }
  const Place &place = found->second;
  if (rows.columns != place.columns || rows.type != place.type || rows.first < 0 ||
      rows.first + rows.rows > place.rows) {
    return Failure{"expected " + std::to_string(place.rows) + " rows of " +
                       std::to_string(place.columns) + " " + std::string(name(place.type)) +
                       " for '" + tensor + "', the model gives row " +
                       std::to_string(rows.first + rows.rows - 1) + " of " +
                       std::to_string(rows.columns) + " " + std::string(name(rows.type)),
                   "", "compile the bundle again with dsv3-compile"};
  }
  uint64_t rowBytes = uint64_t(place.columns) * byteSize(place.type);
  std::span bytes(static_cast<const std::byte *>(rows.data), size_t(rows.rows) * rowBytes);
  return writer.write(place.index, uint64_t(rows.first) * rowBytes, bytes);
}

namespace {

/// Writes what the steps of a prompt show.
class ScoreObserver final : public runtime::Observer {
public:
  /// `mtp`: looks at the MTP module, whose values are not asked for.
  ScoreObserver(ScoreFile &file, bool mtp)
      : file(file), mtp(mtp), progress(mtp ? "scoring with the MTP module" : "scoring",
                                       file.tokens() - (mtp ? 1 : 0), file.layers()) {}

  bool wantsValues() const override {
    return !mtp && (file.wanted().hidden || file.wanted().router || progress.wantsValues());
  }

  void value(const runtime::ObservedValue &seen) override {
    progress.value(seen);
    const ScoreOptions &wanted = file.wanted();
    ScoreFile::Rows rows{seen.position, seen.rows, seen.columns, seen.type, seen.data};
    if (seen.name == plan::observedHidden && wanted.hidden) {
      rows.first += seen.layer * file.tokens();
      write("hidden", rows);
    } else if (seen.name != plan::observedHidden && wanted.router) {
      write(routerName(seen.layer, seen.name), rows);
    }
  }

  Status outputs(const runtime::StepOutputs &step) override {
    const char *tensor = mtp ? "mtp_logits" : "logits";
    lookAt(tensor, step);
    write(tensor, {step.position, step.rows, int64_t(step.logits.size()) / step.rows, DType::F32,
                   step.logits.data()});
    if (!mtp && file.wanted().mtp) {
      normed.insert(normed.end(), step.normed.begin(), step.normed.end());
    }
    return status ? progress.outputs(step) : status;
  }

  /// Says, once, where values are written that are none.
  void note() const {
    if (damaged) {
      say("note: " + *damaged + "; " + runtime::damagedAnswerHint);
    }
  }

  std::vector<float> normed; ///< [tokens, hidden size], where the MTP module is asked for

private:
  void write(const std::string &tensor, const ScoreFile::Rows &rows) {
    if (status) {
      status = file.write(tensor, rows);
    }
  }

  void lookAt(const char *tensor, const runtime::StepOutputs &step) {
    auto wrong = std::ranges::find_if_not(step.logits, [](float x) { return std::isfinite(x); });
    if (!damaged && wrong != step.logits.end()) {
      int64_t row = (wrong - step.logits.begin()) / (int64_t(step.logits.size()) / step.rows);
      damaged = std::string(tensor) + " hold NaN or infinity from position " +
                std::to_string(step.position + row) + " on";
    }
  }

  ScoreFile &file;
  bool mtp;
  std::optional<std::string> damaged; ///< the first
  PromptProgress progress;
  Status status; ///< the first failure
};

} // namespace

/// The MTP module at every position whose next token is known.
static Status writeMtp(runtime::LanguageModel &model, std::span<const int32_t> ids,
                       std::span<const float> normed, ScoreFile &file) {
  size_t count = ids.size() - 1;
  if (count == 0) {
    return {}; // the tensor is there, without rows
  }
  ScoreObserver observer(file, /*mtp=*/true);
  Status status = model.appendMtp(ids.subspan(1), normed.first(normed.size() / ids.size() * count),
                                  runtime::OutputRows::All, &observer);
  observer.note();
  return status;
}

Status checkMtp(bool there) {
  return there ? Status()
               : Failure{"--mtp asks for the MTP module, but the model has none", "",
                         "leave --mtp out"};
}

Status writeScores(runtime::LanguageModel &model, std::span<const int32_t> ids, ScoreFile file) {
  const ScoreOptions &wanted = file.wanted();
  if (Status mtp = wanted.mtp ? checkMtp(model.hasMtp()) : Status(); !mtp) {
    return mtp;
  }
  ScoreObserver observer(file, /*mtp=*/false);
  if (Status status = model.append(ids, runtime::OutputRows::All, &observer); !status) {
    return status;
  }
  observer.note();
  if (wanted.mtp) {
    if (Status status = writeMtp(model, ids, observer.normed, file); !status) {
      return status;
    }
  }
  return file.finish();
}

} // namespace dsv3::cli
