//===- GenerationConfigFuzz.cpp - generation_config.json ------------------===//
#include "Fuzz.h"

#include "dsv3/Checkpoint/GenerationConfig.h"

using namespace dsv3;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto config =
      checkpoint::parseGenerationConfig(fuzz::textOf(data, size), "generation_config.json");
  if (config) {
    ++fuzz::acceptedInputs;
    fuzz::require(config->temperature > 0, "a temperature above 0");
    fuzz::require(config->topP > 0 && config->topP <= 1, "top_p in (0, 1]");
    fuzz::require(config->topK >= 0, "top_k of 0 or more");
    fuzz::require(!config->minP || (*config->minP >= 0 && *config->minP <= 1), "min_p in [0, 1]");
  }
  return 0;
}
