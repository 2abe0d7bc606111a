//===- MessagesFuzz.cpp - messages through a chat template ----------------===//
//
// Whatever messages say, the special tokens of the prompt are those of the template.
//
//===----------------------------------------------------------------------===//
#include "NanoModel.h"

#include "runtime/template/ChatTemplate.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::text;

static size_t countAdded(const Tokenizer &tokenizer, const std::vector<TokenId> &ids) {
  return size_t(std::ranges::count_if(ids, [&](TokenId id) { return tokenizer.isAdded(id); }));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const Tokenizer &tokenizer = fuzz::nanoTokenizer();
  static const Expected<Template> chat = chatTemplateOf(tokenizer.config(), false);
  fuzz::require(chat.ok(), "the chat template of models/nano");
  ChatRequest request;
  request.messages = Context::parse(fuzz::textOf(data, size), nullptr, false);
  if (request.messages.is_discarded()) {
    return 0;
  }
  auto rendered = renderChat(*chat, tokenizer.config(), request);
  if (!rendered) {
    return 0;
  }
  ++fuzz::acceptedInputs;
  auto ids = tokenizer.encodeSegments(rendered->segments);
  fuzz::require(ids.ok(), "tokens for every prompt");
  size_t ofTemplate = 0;
  for (const Segment &segment : rendered->segments) {
    if (segment.trusted) {
      auto part = tokenizer.encode(segment.text, true);
      fuzz::require(part.ok(), "tokens for the template's own text");
      ofTemplate += countAdded(tokenizer, *part);
    }
  }
  fuzz::require(countAdded(tokenizer, *ids) == ofTemplate,
                "no special token from the text of a message");
  return 0;
}
