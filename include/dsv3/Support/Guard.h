//===- Guard.h - exceptions as failures -------------------------*- C++ -*-===//
//
// The standard library throws where memory is short or a path is odd. Whoever owns a
// main() runs its work through this, so that no exception ends the process.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <functional>

namespace dsv3 {

/// Said where an allocation fails.
inline constexpr const char *noMemory =
    "there is not enough memory\n  hint: end other programs, or see ulimit -v";

/// What `work` gives; a failure in place of a standard exception.
Status guarded(const std::function<Status()> &work);

} // namespace dsv3
