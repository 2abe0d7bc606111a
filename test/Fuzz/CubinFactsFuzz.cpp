//===- CubinFactsFuzz.cpp - what NVRTC made of a GPU kernel ---------------===//
#include "Fuzz.h"

#include "runtime/jit/CubinFacts.h"

using namespace dsv3;
using namespace dsv3::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Expected<CubinFacts> facts = readCubinFacts(fuzz::textOf(data, size), "k");
  if (!facts) {
    fuzz::require(!facts.failure().what.empty(), "a failure that says what is wrong");
    return 0;
  }
  ++fuzz::acceptedInputs;
  int64_t found = 0;
  for (int64_t count : facts->instructions) {
    found += count;
  }
  fuzz::require(found <= int64_t(size / 16), "instructions that lie in the file");
  fuzz::require(facts->registers > 0 && !facts->function.empty(), "a kernel");
  return 0;
}
