//===- Interrupt.h - Ctrl-C as a flag ---------------------------*- C++ -*-===//
#pragma once

#include <atomic>

namespace dsv3::cli {

/// From now on the first Ctrl-C (SIGINT) or SIGTERM sets the flag that this returns; the
/// second ends the process.
const std::atomic<bool> *watchInterrupts();
/// Whether it has been set.
bool interrupted();

} // namespace dsv3::cli
