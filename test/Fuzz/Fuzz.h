//===- Fuzz.h - what a fuzz target gives its driver -------------*- C++ -*-===//
//
// The entry point that libFuzzer and SmokeMain.cpp call, and how a target says that it
// got beyond the parser: seeds that no parser takes test nothing.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// Any bytes may be given. Returns 0; a defect ends the process.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace dsv3::fuzz {

/// How many inputs were taken for what they claim to be.
inline size_t acceptedInputs = 0;

inline std::string_view textOf(const uint8_t *data, size_t size) {
  return {reinterpret_cast<const char *>(data), size};
}

/// Ends the process, saying what should have held, unless it does.
inline void require(bool holds, const char *what) {
  if (!holds) {
    std::fprintf(stderr, "fuzz: expected %s\n", what);
    std::abort();
  }
}

} // namespace dsv3::fuzz
