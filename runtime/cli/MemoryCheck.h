//===- MemoryCheck.h - does a model fit this machine ------------*- C++ -*-===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"

#include <cstdint>
#include <string>

namespace dsv3::cli {

/// Compares weights, arena and the cache of `context` tokens with `available` bytes.
/// Fails if weights and arena alone are more, or not one page of cache fits beside them.
/// Otherwise the sentence to say where the cache of all tokens does not fit; empty where
/// it does.
Expected<std::string> checkMemory(const plan::Plan &plan, size_t variant, int64_t context,
                                  uint64_t available);

} // namespace dsv3::cli
