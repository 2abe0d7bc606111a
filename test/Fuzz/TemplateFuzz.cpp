//===- TemplateFuzz.cpp - the source of a chat template -------------------===//
#include "Fuzz.h"

#include "runtime/template/Template.h"

using namespace dsv3;
using namespace dsv3::text;

static Context smallContext() {
  return Context::parse(R"({
    "messages": [{"role": "system", "content": "Be kind"},
                 {"role": "user", "content": "<b> 'x' \"y\" </b>", "n": [1, 2.5, null, true]},
                 {"role": "assistant", "content": null,
                  "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": {}}}}],
    "documents": null, "add_generation_prompt": true, "number": 7, "text": "Ünï\ncode",
    "bos_token": "<s>", "eos_token": "</s>"})");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Context context = smallContext();
  auto parsed = Template::parse(fuzz::textOf(data, size));
  auto rendered = parsed ? parsed->render(context) : Expected<Rendered>(parsed.failure());
  if (!rendered) {
    fuzz::require(!rendered.failure().what.empty(), "a failure that says what is wrong");
    return 0;
  }
  ++fuzz::acceptedInputs;
  std::string joined;
  for (const Segment &segment : rendered->segments) {
    joined += segment.text;
  }
  fuzz::require(joined == rendered->text, "segments that join to the text");
  return 0;
}
