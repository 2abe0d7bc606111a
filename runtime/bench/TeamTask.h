//===- TeamTask.h - a measured piece of work of all threads -----*- C++ -*-===//
#pragma once

#include "runtime/drivers/cpu/ThreadTeam.h"

#include <functional>

namespace dsv3::runtime {

/// Seconds that `body(thread)` takes until all threads of the team have finished.
double secondsOf(ThreadTeam &team, const std::function<void(int)> &body);

} // namespace dsv3::runtime
