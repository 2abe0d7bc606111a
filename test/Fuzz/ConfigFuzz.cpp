//===- ConfigFuzz.cpp - config.json ---------------------------------------===//
#include "Fuzz.h"

#include "dsv3/Checkpoint/ModelConfig.h"
#include "dsv3/Checkpoint/TensorMap.h"

using namespace dsv3;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto config = checkpoint::parseModelConfig(fuzz::textOf(data, size), "config.json");
  if (!config) {
    fuzz::require(!config.failure().what.empty(), "a failure that says what is wrong");
    return 0;
  }
  ++fuzz::acceptedInputs;
  // What follows from a configuration that was accepted must be computable.
  fuzz::require(config->softmaxScale() > 0, "a scale above 0");
  fuzz::require(config->ropeInverseFrequencies().size() == size_t(config->qkRopeHeadDim / 2),
                "a frequency for each rotated pair");
  (void)config->ropeMultiplier();
  // The list of a large model is long; a few thousand tensors show as much.
  if (config->numHiddenLayers * (config->nRoutedExperts + 10) < 2000) {
    fuzz::require(!checkpoint::expectedTensors(*config).empty(), "tensors");
  }
  return 0;
}
