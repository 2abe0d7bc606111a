//===- Interrupt.h - a wish to stop as a flag -------------------*- C++ -*-===//
#pragma once

#include <atomic>

namespace dsv3::cli {

/// From now on the first Ctrl-C (SIGINT), SIGTERM or SIGHUP sets the flag that this returns;
/// the second of the same ends the process. A SIGHUP that is ignored (nohup) stays so.
const std::atomic<bool> *watchInterrupts();
/// The signal that set it last, or 0.
int interruption();

} // namespace dsv3::cli
