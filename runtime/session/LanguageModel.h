//===- LanguageModel.h - what generate and score need -----------*- C++ -*-===//
//
// A session, or the reference interpreter in its place: whatever is fed with tokens
// and gives logits.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/session/Session.h"

#include <span>

namespace dsv3::runtime {

class LanguageModel {
public:
  virtual ~LanguageModel() = default;
  virtual int64_t vocabulary() const = 0;
  /// Tokens that fit, and that there are.
  virtual int64_t context() const = 0;
  virtual int64_t position() const = 0;
  virtual bool cancelled() const = 0;
  /// Feeds tokens; logits() are those of the last one then. See Session::append.
  virtual Status append(std::span<const int32_t> ids, OutputRows rows, Observer *observer) = 0;
  virtual std::span<const float> logits() const = 0;
  /// Feeds tokens; the id below `limit` that the options choose to follow, or noToken (see sample
  /// of dsv3/Support/Sampling.h). There are no logits() then.
  /// Precondition: validate(sampling) succeeds.
  virtual Expected<int32_t> appendSampled(std::span<const int32_t> ids,
                                          const SamplingOptions &sampling, int64_t limit,
                                          Observer *observer) = 0;
  virtual bool hasMtp() const = 0;
  /// See Session::appendMtp.
  virtual Status appendMtp(std::span<const int32_t> nextIds, std::span<const float> normed,
                           OutputRows rows, Observer *observer) = 0;
};

/// A session as such a model.
class SessionModel final : public LanguageModel {
public:
  explicit SessionModel(Session &session) : session(session) {}
  int64_t vocabulary() const override { return session.plan().vocabSize; }
  int64_t context() const override { return session.context(); }
  int64_t position() const override { return session.position(); }
  bool cancelled() const override { return session.cancelled(); }
  Status append(std::span<const int32_t> ids, OutputRows rows, Observer *observer) override {
    return session.append(ids, rows, observer);
  }
  std::span<const float> logits() const override {
    return session.outputs().logitsOf(session.outputs().rows - 1);
  }
  Expected<int32_t> appendSampled(std::span<const int32_t> ids, const SamplingOptions &sampling,
                                  int64_t limit, Observer *observer) override {
    Status status = session.appendSampled(ids, sampling, limit, OutputRows::Last, observer);
    return status ? Expected<int32_t>(session.outputs().tokens.back()) : status;
  }
  bool hasMtp() const override { return session.hasMtp(); }
  Status appendMtp(std::span<const int32_t> nextIds, std::span<const float> normed, OutputRows rows,
                   Observer *observer) override {
    return session.appendMtp(nextIds, normed, rows, observer);
  }

private:
  Session &session;
};

} // namespace dsv3::runtime
