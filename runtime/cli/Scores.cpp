//===- Scores.cpp - what a model says of a prompt -------------------------===//
#include "runtime/cli/Scores.h"

#include "dsv3/Checkpoint/SafetensorsWriter.h"

namespace dsv3::cli {
namespace {

void appendBytes(ScoredValue &value, const void *data, size_t count) {
  const auto *bytes = static_cast<const std::byte *>(data);
  value.bytes.insert(value.bytes.end(), bytes, bytes + count);
}

/// Collects values as the steps of a prompt show them.
class Collector final : public runtime::Observer {
public:
  Collector(const ScoreOptions &options, std::string logitsName)
      : options(options), logits(std::move(logitsName)) {}

  bool wantsValues() const override { return options.hidden || options.router; }

  void value(const runtime::ObservedValue &seen) override {
    size_t bytes = size_t(seen.rows * seen.columns) * byteSize(seen.type);
    if (seen.name == "hidden") {
      if (options.hidden) {
        add(hidden[seen.layer], seen, bytes);
      }
    } else if (options.router && seen.name.starts_with("router.")) {
      std::string what(seen.name.substr(seen.name.find('.')));
      add(scores["router." + std::to_string(seen.layer) + what], seen, bytes);
    }
  }

  void outputs(const runtime::StepOutputs &step) override {
    ScoredValue &value = scores[logits];
    value.shape = {(value.shape.empty() ? 0 : value.shape[0]) + step.rows,
                   int64_t(step.logits.size()) / step.rows};
    appendBytes(value, step.logits.data(), step.logits.size_bytes());
    if (options.mtp) {
      normed.insert(normed.end(), step.normed.begin(), step.normed.end());
    }
  }

  /// Layers of hidden states one after the other.
  void joinHidden() {
    if (hidden.empty()) {
      return;
    }
    ScoredValue &all = scores["hidden"];
    const std::vector<int64_t> &each = hidden.begin()->second.shape;
    all.shape = {int64_t(hidden.size()), each[0], each[1]};
    for (auto &[layer, value] : hidden) {
      appendBytes(all, value.bytes.data(), value.bytes.size());
      value.bytes = {};
    }
  }

  Scores scores;
  std::vector<float> normed; ///< [tokens, hidden size]

private:
  static void add(ScoredValue &to, const runtime::ObservedValue &seen, size_t bytes) {
    to.type = seen.type;
    to.shape = {(to.shape.empty() ? 0 : to.shape[0]) + seen.rows, seen.columns};
    appendBytes(to, seen.data, bytes);
  }

  ScoreOptions options;
  std::string logits;
  std::map<int64_t, ScoredValue> hidden; ///< by layer; they come in turns
};

} // namespace

/// The MTP module at every position whose next token is known.
static Expected<ScoredValue> scoreMtp(runtime::Session &session, std::span<const int32_t> ids,
                                      std::span<const float> normed) {
  ScoredValue none{DType::F32, {0, session.plan().vocabSize}, {}};
  size_t count = ids.size() - 1;
  if (count == 0) {
    return none;
  }
  Collector collector({}, "mtp_logits");
  Status status =
      session.appendMtp(ids.subspan(1), normed.first(normed.size() / ids.size() * count),
                        runtime::OutputRows::All, &collector);
  return status ? Expected(std::move(collector.scores["mtp_logits"]))
                : Expected<ScoredValue>(status);
}

Expected<Scores> computeScores(runtime::Session &session, std::span<const int32_t> ids,
                               const ScoreOptions &options) {
  if (options.mtp && !session.hasMtp()) {
    return Failure{"--mtp asks for the MTP module, but the model has none", "", "leave --mtp out"};
  }
  Collector collector(options, "logits");
  if (Status status = session.append(ids, runtime::OutputRows::All, &collector); !status) {
    return status;
  }
  collector.joinHidden();
  if (options.mtp) {
    Expected<ScoredValue> logits = scoreMtp(session, ids, collector.normed);
    if (!logits) {
      return logits.failure();
    }
    collector.scores["mtp_logits"] = *std::move(logits);
  }
  return std::move(collector.scores);
}

Status writeScores(const std::filesystem::path &path, const Scores &scores) {
  std::vector<checkpoint::TensorView> views;
  for (const auto &[name, value] : scores) {
    views.push_back({{name, value.type, value.shape}, value.bytes});
  }
  return checkpoint::writeSafetensors(path, views);
}

} // namespace dsv3::cli
