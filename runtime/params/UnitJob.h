//===- UnitJob.h - units of work on several threads -------------*- C++ -*-===//
//
// Threads take the next unit from one counter. The calling thread does none: it reports
// progress, watches for the wish to stop, and does what is to be done beside.
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
/// of its own. `beside`, where there is one, is called again and again by the calling thread, the
/// last time when all units are done; where it fails that ends the job.
Status runUnits(int64_t count, uint64_t totalBytes, const LoadOptions &options,
                const std::function<std::optional<uint64_t>(int64_t)> &work,
                const std::function<Status()> &beside = nullptr);

} // namespace dsv3::runtime
