//===- TextFuzz.cpp - text to tokens and back -----------------------------===//
//
// Any bytes survive the way to tokens and back, at once and as a stream, but for what is
// not UTF-8; and none become a special token unless it was asked for.
//
//===----------------------------------------------------------------------===//
#include "NanoModel.h"

#include "runtime/tokenizer/StreamDecoder.h"
#include "runtime/tokenizer/Utf8.h"

#include <vector>

using namespace dsv3;
using namespace dsv3::text;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const Tokenizer &tokenizer = fuzz::nanoTokenizer();
  std::string_view text = fuzz::textOf(data, size);
  for (bool parseSpecial : {false, true}) {
    auto ids = tokenizer.encode(text, parseSpecial);
    fuzz::require(ids.ok(), "tokens for every text");
    fuzz::require(tokenizer.decode(*ids, false) == replaceInvalidUtf8(text), "the same text");
    for (bool skipSpecial : {false, true}) {
      StreamDecoder stream(tokenizer, skipSpecial);
      std::string joined;
      for (TokenId id : *ids) {
        fuzz::require(parseSpecial || !tokenizer.isAdded(id), "no special token from plain text");
        joined += stream.push(id);
      }
      joined += stream.finish();
      fuzz::require(joined == tokenizer.decode(*ids, skipSpecial), "a stream of the same text");
    }
  }
  ++fuzz::acceptedInputs;
  return 0;
}
