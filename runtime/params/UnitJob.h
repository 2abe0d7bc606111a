//===- UnitJob.h - units of work on several threads -------------*- C++ -*-===//
//
// Threads take the next unit from one counter. The calling thread does none: it reports
// progress and watches for the wish to stop.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/params/ParameterStore.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace dsv3::runtime {

/// Calls work(unit) for units 0 to `count`, once each and by any thread. It says how many of
/// `totalBytes` it has done, or nothing where it failed: then no more units are begun, and what
/// went wrong is for the caller to know. Fails when interrupted, or where a thread found no memory
/// of its own.
Status runUnits(int64_t count, uint64_t totalBytes, const LoadOptions &options,
                const std::function<std::optional<uint64_t>(int64_t)> &work);

} // namespace dsv3::runtime
