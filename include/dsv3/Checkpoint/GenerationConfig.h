//===- GenerationConfig.h - how a checkpoint wants to be sampled -*- C++ -*-===//
//
// generation_config.json: the defaults of sampling and the ids that end a text. What
// it does not state is greedy decoding. Fields that dsv3 does not use are left alone.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::checkpoint {

/// A value type.
struct GenerationConfig {
  bool doSample = false;            ///< false: the best token, always
  double temperature = 1;           ///< above 0
  double topP = 1;                  ///< in (0, 1]; 1: no limit
  int64_t topK = 0;                 ///< 0: no limit (transformers' own default is 50)
  std::optional<double> minP;       ///< in [0, 1]
  std::vector<int64_t> eosTokenIds; ///< empty: those of config.json
};

/// Reads generation_config.json; `where` names it in a failure. All defects come in one
/// failure.
Expected<GenerationConfig> parseGenerationConfig(std::string_view json, const std::string &where);

/// Reads `directory`/generation_config.json; the defaults if there is no such file.
Expected<GenerationConfig> readGenerationConfig(const std::filesystem::path &directory);

} // namespace dsv3::checkpoint
