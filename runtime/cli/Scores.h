//===- Scores.h - what a model says of a prompt -----------------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/session/Session.h"

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace dsv3::cli {

/// Besides logits.
struct ScoreOptions {
  bool hidden = false, router = false, mtp = false;
};

/// A value of all tokens: f32 or i32 elements.
struct ScoredValue {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;
};
/// By name: logits, hidden, router.L.experts, router.L.weights, mtp_logits.
using Scores = std::map<std::string, ScoredValue>;

/// Feeds `ids` to a fresh session. Fails if the MTP module is asked for and there is
/// none, or a step fails.
Expected<Scores> computeScores(runtime::Session &session, std::span<const int32_t> ids,
                               const ScoreOptions &options);
/// Writes a safetensors file, whole or not at all.
Status writeScores(const std::filesystem::path &path, const Scores &scores);

} // namespace dsv3::cli
