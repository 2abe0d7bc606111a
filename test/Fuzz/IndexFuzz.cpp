//===- IndexFuzz.cpp - model.safetensors.index.json -----------------------===//
#include "Fuzz.h"

#include "dsv3/Checkpoint/Checkpoint.h"

using namespace dsv3;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto index = checkpoint::parseIndex(fuzz::textOf(data, size), "model.safetensors.index.json");
  if (index) {
    ++fuzz::acceptedInputs;
    for (const auto &[key, file] : *index) {
      fuzz::require(!file.empty() && file != "." && file != ".." &&
                        file.find('/') == std::string::npos && file.find('\0') == std::string::npos,
                    "files of the directory alone");
    }
  }
  return 0;
}
