//===- IdsFuzz.cpp - lists of token ids -----------------------------------===//
#include "Fuzz.h"

#include "runtime/cli/Streams.h"

#include <algorithm>

using namespace dsv3;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto ids = cli::parseIds(fuzz::textOf(data, size), "ids");
  if (!ids) {
    fuzz::require(ids.failure().where.starts_with("ids, line "), "the line in the failure");
    return 0;
  }
  ++fuzz::acceptedInputs;
  fuzz::require(std::ranges::all_of(*ids, [](int32_t id) { return id >= 0; }), "ids of 0 or more");
  for (const std::string &text : {cli::idsText(*ids), "[" + cli::idsText(*ids) + "]\n"}) {
    auto again = cli::parseIds(text, "ids");
    fuzz::require(again.ok() && *again == *ids, "the same ids");
  }
  return 0;
}
