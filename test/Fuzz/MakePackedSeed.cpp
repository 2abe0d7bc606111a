//===- MakePackedSeed.cpp - a header of packed weights --------------------===//
//
// usage: fuzz-make-packed-seed FILE
//
// Written while building, so that it is always of the present format.
//
//===----------------------------------------------------------------------===//
#include "runtime/params/PackedHeader.h"

#include <fstream>

using namespace dsv3::runtime;

int main(int argc, char **argv) {
  if (argc != 2) {
    return 2;
  }
  auto bytes = serialise({.plan = "00112233445566778899aabbccddeeff",
                          .variant = "x86-64-v3",
                          .source = "checkpoint 0123",
                          .calibration = "4567",
                          .files = {{"a.safetensors", 77, -5}, {"b.safetensors", 1, 1}},
                          .dataBytes = 640,
                          .checksums = {{1, 2}}});
  std::ofstream(argv[1], std::ios::binary) << (bytes ? *bytes : "");
  return 0;
}
