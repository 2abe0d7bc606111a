//===- Interrupt.h - a wish to stop as a flag -------------------*- C++ -*-===//
#pragma once

#include <atomic>

namespace dsv3::cli {

/// From now on the first Ctrl-C (SIGINT), SIGTERM or SIGHUP sets the flag that this returns;
/// another one ends the process, unless it comes at once with the first. What is ignored when it is
/// first called stays so: SIGHUP under nohup, SIGINT in the background jobs of scripts.
const std::atomic<bool> *watchInterrupts();
/// The signal that set it last, or 0.
int interruption();

} // namespace dsv3::cli
