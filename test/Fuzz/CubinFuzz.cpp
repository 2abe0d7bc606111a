//===- CubinFuzz.cpp - a compiled GPU kernel on disk ----------------------===//
#include "Fuzz.h"

#include "runtime/jit/CubinCache.h"

using namespace dsv3;
using namespace dsv3::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const CubinKey key{"00", "11", "22", "sm_80", "13.0"};
  std::string_view bytes = fuzz::textOf(data, size);
  Expected<CubinFile> cubin = parseCubin(bytes, key.fileName());
  if (!cubin) {
    fuzz::require(!cubin.failure().what.empty(), "a failure that says what is wrong");
    return 0;
  }
  ++fuzz::acceptedInputs;
  fuzz::require(cubin->key == key, "the key of the file's name");
  fuzz::require(serialiseCubin(key, cubin->cubin) == bytes, "a file that has one form");
  return 0;
}
