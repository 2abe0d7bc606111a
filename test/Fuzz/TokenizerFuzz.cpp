//===- TokenizerFuzz.cpp - tokenizer.json ---------------------------------===//
#include "Fuzz.h"

#include "runtime/tokenizer/Tokenizer.h"

#include <vector>

using namespace dsv3;
using namespace dsv3::text;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto tokenizer = Tokenizer::parse(std::string(fuzz::textOf(data, size)), "tokenizer.json");
  if (!tokenizer) {
    return 0;
  }
  ++fuzz::acceptedInputs;
  for (bool parseSpecial : {false, true}) {
    auto ids = tokenizer->encode("Hello  1234 <s>\n\xE4\xB8\x80\xC3 it's</s>a", parseSpecial);
    for (TokenId id : ids ? *ids : std::vector<TokenId>{}) {
      fuzz::require(tokenizer->contains(id), "ids that exist");
    }
  }
  std::vector<TokenId> ids;
  for (TokenId id = -2; id < 300; ++id) {
    ids.push_back(id);
  }
  ids.push_back(tokenizer->vocabSize());
  (void)tokenizer->decode(ids, true);
  (void)tokenizer->bosId();
  return 0;
}
