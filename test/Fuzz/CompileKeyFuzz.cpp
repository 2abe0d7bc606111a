//===- CompileKeyFuzz.cpp - the keys of compiled bundles -------------------===//
#include "Fuzz.h"

#include "runtime/bundle/CompileKey.h"

using namespace dsv3;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text = fuzz::textOf(data, size);
  auto key = runtime::CompileKey::parse(text);
  if (key) {
    ++fuzz::acceptedInputs;
    fuzz::require(key->text() == text, "the same text");
  }
  return 0;
}
