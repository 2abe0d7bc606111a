//===- Session.cpp - a model in the middle of a text ----------------------===//

#include "runtime/session/Session.h"

#include "dsv3/Support/Float.h"
#include "runtime/session/ContextRoom.h"

#include <algorithm>
#include <numeric>

using namespace dsv3;
using namespace dsv3::runtime;

static std::string number(int64_t value) { return std::to_string(value); }

Status Session::checkAppend(std::span<const int32_t> ids, int64_t end) const {
  if (end > contextTokens) {
    ContextRoom room{contextTokens, model->cache.maxContext, std::nullopt};
    return Failure{"expected at most " + number(contextTokens) + " tokens of context, found " +
                       number(end),
                   "", room.hint("feed fewer tokens")};
  }
  for (int32_t id : ids) {
    if (id < 0 || id >= model->vocabSize) {
      return Failure{"expected ids from 0 to " + number(model->vocabSize - 1) + ", found " +
                     number(id)};
    }
  }
  return {};
}

/// Says at which of the text's tokens a step failed.
static Failure atPosition(Failure failure, int64_t first, int64_t count) {
  failure.where += (failure.where.empty() ? "" : ", ") +
                   (count == 1 ? "position " + number(first)
                               : "positions " + number(first) + " to " + number(first + count - 1));
  return failure;
}

Status Session::feed(Role &role, std::span<const int32_t> ids, std::span<const float> hidden,
                     int64_t &position, Wanted wanted, Observer *observer) {
  auto columns = size_t(model->hiddenSize);
  auto run = [&](size_t entry, int64_t first, int64_t count) -> Status {
    if (cancelled()) {
      return Failure{"interrupted"};
    }
    if (!hidden.empty()) {
      auto part = hidden.subspan(size_t(first) * columns, size_t(count) * columns);
      if (Status status = buffers.upload(InputPort::Hidden, std::as_bytes(part)); !status) {
        return atPosition(status.failure(), position, count);
      }
    }
    Status status = step(role.prepared[entry], ids.subspan(size_t(first), size_t(count)), position,
                         wanted, observer);
    if (!status) {
      return atPosition(status.failure(), position, count);
    }
    position += count;
    return observer ? observer->outputs(lastOutputs) : Status();
  };
  return forEachStep(role.ranges, chunk, int64_t(ids.size()), run);
}

namespace {

/// Gives a device's observations names and shapes, and bf16 as f32.
class NamedObservations final : public ObservationSink {
public:
  NamedObservations(const plan::Entry &entry, std::span<const int64_t> sizes, int64_t position,
                    Observer &observer)
      : entry(entry), sizes(sizes), position(position), observer(observer) {}

  void observed(int32_t observation, int64_t layer, const void *data) override {
    const plan::Observation &known = entry.observations[size_t(observation)];
    ObservedValue value{known.name,    layer, known.type, position, sizes[size_t(known.size)],
                        known.columns, data};
    if (value.type == DType::BF16) {
      const auto *narrow = static_cast<const uint16_t *>(data);
      widened.resize(size_t(value.rows * value.columns));
      std::transform(narrow, narrow + widened.size(), widened.begin(), bf16ToFloat);
      value.type = DType::F32;
      value.data = widened.data();
    }
    observer.value(value);
  }

private:
  std::vector<float> widened; ///< what the observer looks at, of one value
  const plan::Entry &entry;
  std::span<const int64_t> sizes;
  int64_t position;
  Observer &observer;
};

} // namespace

Status Session::step(Prepared &prepared, std::span<const int32_t> ids, int64_t position,
                     Wanted wanted, Observer *observer) {
  auto count = int64_t(ids.size());
  int64_t firstRow = wanted.rows == OutputRows::All ? 0 : count - 1;
  int64_t outputRows = count - firstRow;
  auto uploadFrom = [&](InputPort port, int64_t first, int64_t length) {
    auto part = std::span(numbers).first(size_t(length));
    std::iota(part.begin(), part.end(), int32_t(first));
    return buffers.upload(port, std::as_bytes(part));
  };
  // The port `requests` stays 0, as it was allocated.
  if (Status status = buffers.upload(InputPort::Ids, std::as_bytes(ids)); !status) {
    return status;
  }
  if (Status status = uploadFrom(InputPort::Positions, position, count); !status) {
    return status;
  }
  if (Status status = uploadFrom(InputPort::Rows, firstRow, outputRows); !status) {
    return status;
  }
  if (wanted.sampling) {
    if (Status status = uploadSampling(wanted, position + firstRow, outputRows); !status) {
      return status;
    }
  }
  stepSizes[size_t(buffers.sizes().tokens)] = count;
  stepSizes[size_t(buffers.sizes().outputs)] = outputRows;
  Status status;
  LaunchProfile *profile = observer ? observer->profile() : nullptr;
  device.forget(*arena);
  if (profile) {
    status = device.profile(*prepared.executable, stepSizes, *profile);
  } else if (observer && observer->wantsValues()) {
    NamedObservations sink(*prepared.entry, stepSizes, position, *observer);
    status = device.run(*prepared.executable, stepSizes, &sink);
  } else {
    status = device.run(*prepared.executable, stepSizes, nullptr);
  }
  if (!status) {
    return status;
  }
  lastOutputs.entry = prepared.entry;
  lastOutputs.position = position + firstRow;
  lastOutputs.rows = outputRows;
  return readOutputs(prepared, wanted.sampling != nullptr);
}

/// Rows of the greedy choice are all alike, so that steps after the first upload none. `position`
/// is that of the token of the first row: the next one is chosen.
Status Session::uploadSampling(Wanted wanted, int64_t position, int64_t rows) {
  auto limit = int32_t(std::clamp<int64_t>(wanted.limit, 0, model->vocabSize));
  bool greedy = wanted.sampling->temperature == 0;
  if (greedy && limit == greedyLimit) {
    return {};
  }
  auto used = greedy ? std::span(samplingRows) : std::span(samplingRows).first(size_t(rows));
  for (SamplingRow &row : used) {
    row = samplingRow(*wanted.sampling, limit, ++position);
  }
  Status status = buffers.upload(InputPort::Sampling, std::as_bytes(used));
  greedyLimit = greedy && status ? limit : -1;
  return status;
}

Status Session::readOutputs(const Prepared &prepared, bool chosen) {
  int64_t rows = lastOutputs.rows;
  auto logits = buffers.read<float>(OutputPort::Logits, chosen ? 0 : rows * model->vocabSize);
  auto normed = buffers.read<float>(OutputPort::Normed,
                                    prepared.givesNormed && !chosen ? rows * model->hiddenSize : 0);
  auto tokens = buffers.read<int32_t>(OutputPort::Tokens, chosen ? rows : 0);
  if (!logits || !normed || !tokens) {
    return !logits ? logits.status() : !normed ? normed.status() : tokens.status();
  }
  lastOutputs.logits = *logits;
  lastOutputs.normed = *normed;
  lastOutputs.tokens = *tokens;
  return {};
}

Status Session::appendFor(std::span<const int32_t> ids, Wanted wanted, Observer *observer) {
  if (Status status = checkAppend(ids, tokens + int64_t(ids.size())); !status) {
    return status;
  }
  return feed(steps, ids, {}, tokens, wanted, observer);
}

Status Session::append(std::span<const int32_t> ids, OutputRows rows, Observer *observer) {
  return appendFor(ids, {rows}, observer);
}

Status Session::appendSampled(std::span<const int32_t> ids, const SamplingOptions &sampling,
                              int64_t limit, OutputRows rows, Observer *observer) {
  return appendFor(ids, {rows, &sampling, limit}, observer);
}

Status Session::appendMtp(std::span<const int32_t> nextIds, std::span<const float> normed,
                          OutputRows rows, Observer *observer) {
  if (!hasMtp()) {
    return Failure{"the model has no MTP module"};
  }
  int64_t end = mtpTokens + int64_t(nextIds.size());
  if (end > tokens) {
    return Failure{"expected tokens that the model has seen, up to position " + number(tokens) +
                   ", found " + number(end)};
  }
  if (normed.size() != nextIds.size() * size_t(model->hiddenSize)) {
    return Failure{"expected " + number(model->hiddenSize) + " values of the head's input for " +
                   number(int64_t(nextIds.size())) + " tokens, found " +
                   number(int64_t(normed.size())) + " in all"};
  }
  if (Status status = checkAppend(nextIds, end); !status) {
    return status;
  }
  return feed(mtp, nextIds, normed, mtpTokens, {rows}, observer);
}

Status Session::rewind(int64_t position) {
  if (position < 0 || position > tokens) {
    return Failure{"expected a position of 0 to " + number(tokens) + " to go back to, found " +
                   number(position)};
  }
  tokens = position;
  mtpTokens = std::min(mtpTokens, position);
  return {};
}

Status Session::skipTo(int64_t position) {
  if (position < tokens) {
    return rewind(position);
  }
  if (Status status = checkAppend({}, position); !status) {
    return status;
  }
  tokens = position;
  return {};
}
