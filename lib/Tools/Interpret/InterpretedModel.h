//===- InterpretedModel.h - prompts on the interpreter ----------*- C++ -*-===//
//
// The reference interpreter in the place of the runtime's session: it runs the entries
// of a module in the same steps and shows observers the same values. What is handed
// over between calls is f32, as with a session.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Checkpoint/ModelConfig.h"
#include "dsv3/Reference/Interpreter.h"
#include "runtime/session/LanguageModel.h"
#include "runtime/session/Steps.h"

#include <string>
#include <vector>

namespace dsv3::interpret {

/// Module, interpreter and configuration must outlive it.
class InterpretedModel final : public runtime::LanguageModel {
public:
  InterpretedModel(mlir::ModuleOp module, reference::Interpreter &machine,
                   const checkpoint::ModelConfig &config, int64_t contextTokens, int64_t chunk);

  int64_t vocabulary() const override { return config.vocabSize; }
  int64_t context() const override { return contextTokens; }
  int64_t position() const override { return tokens; }
  bool cancelled() const override { return false; }
  Status append(std::span<const int32_t> ids, runtime::OutputRows rows,
                runtime::Observer *observer) override;
  std::span<const float> logits() const override;
  Expected<int32_t> appendSampled(std::span<const int32_t> ids, const SamplingOptions &sampling,
                                  int64_t limit, runtime::Observer *observer) override;
  bool hasMtp() const override { return !mtp.names.empty(); }
  Status appendMtp(std::span<const int32_t> nextIds, std::span<const float> normed,
                   runtime::OutputRows rows, runtime::Observer *observer) override;

private:
  /// The entries of a role, in the order of the module.
  struct Role {
    std::vector<std::string> names;
    std::vector<runtime::StepRange> ranges;
  };
  Status step(const std::string &entry, std::span<const int32_t> ids, std::span<const float> hidden,
              int64_t position, runtime::OutputRows rows, runtime::Observer *observer);

  reference::Interpreter &machine;
  const checkpoint::ModelConfig &config;
  int64_t contextTokens, chunk;
  Role steps, mtp;
  int64_t tokens = 0, mtpTokens = 0;
  SamplingOptions sampling; ///< what a step's tokens are chosen by, of the ids below the limit
  int64_t limit = 0;
  std::vector<float> lastLogits, lastNormed; ///< of the last step
  std::vector<int32_t> lastTokens;           ///< likewise, those chosen
};

} // namespace dsv3::interpret
