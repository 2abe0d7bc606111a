//===- GenerationConfig.cpp - generation_config.json ----------------------===//
//
// Field by field, with the ranges in which sampling makes sense.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/GenerationConfig.h"

#include "ConfigFields.h"

#include <system_error>

namespace dsv3::checkpoint {

static Expected<GenerationConfig> parseGenerationObject(std::string_view text,
                                                        const std::string &where) {
  Expected<Json> root = parseJson(text, where);
  if (!root) {
    return root.failure();
  }
  if (!root->is_object()) {
    return Failure{"expected an object, found " + describe(*root), where};
  }
  Defects defects;
  ConfigFields fields(*root, "", defects);
  GenerationConfig config;
  config.doSample = fields.boolean("do_sample", false);
  // Zero is a common way to say "greedy".
  config.temperature = fields.number("temperature", 0, 100, 1.0);
  if (config.temperature == 0) {
    config.doSample = false;
    config.temperature = 1;
  }
  constexpr double smallestShare = 1e-9; // of probability; zero would leave no token
  config.topP = fields.number("top_p", smallestShare, 1, 1.0);
  config.topK = fields.integer("top_k", 0, int64_t(1) << 31, 0);
  if (fields.isStated("min_p")) {
    config.minP = fields.number("min_p", 0, 1);
  }
  (void)fields.tokenId("bos_token_id"); // checked, not used
  config.eosTokenIds = fields.tokenIds("eos_token_id");
  if (!defects.empty()) {
    return defects.failure("the sampling defaults cannot be used", where);
  }
  return config;
}

Expected<GenerationConfig> parseGenerationConfig(std::string_view json, const std::string &where) {
  try {
    return parseGenerationObject(json, where);
  } catch (const std::exception &exception) { // memory
    return Failure{"cannot read the sampling defaults: " + plainMessage(exception), where};
  }
}

Expected<GenerationConfig> readGenerationConfig(const std::filesystem::path &directory) {
  const std::filesystem::path path = directory / "generation_config.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error) && !error) {
    return GenerationConfig{};
  }
  Expected<std::string> text = readFile(path, maxConfigBytes);
  if (!text) {
    return text.failure();
  }
  return parseGenerationConfig(*text, path.string());
}

} // namespace dsv3::checkpoint
