//===- TokenizerConfigFuzz.cpp - tokenizer_config.json --------------------===//
#include "Fuzz.h"

#include "runtime/template/ChatTemplate.h"

using namespace dsv3;
using namespace dsv3::text;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto config =
      TokenizerConfig::parse(std::string(fuzz::textOf(data, size)), "tokenizer_config.json");
  if (config) {
    ++fuzz::acceptedInputs;
    for (bool tools : {false, true}) {
      (void)chatTemplateOf(*config, tools).ok();
    }
  }
  return 0;
}
