//===- Cpu.h - what this machine's CPU can run ------------------*- C++ -*-===//
//
// Which variants of compiled kernels this machine runs, and how many CPUs the
// process may use. Thread-safe.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

/// The variants that this machine runs, best first: CPU and operating system
/// support the instructions and the registers. Empty on other architectures.
std::vector<std::string_view> runnableVariants();

/// The index in `names` of the best variant that this machine runs. Fails with
/// both lists if there is none.
Expected<size_t> bestVariant(std::span<const std::string> names);

/// The CPUs that the process may run on (its affinity mask), ascending.
std::vector<int> allowedCpus();

/// Lets the calling thread run on `cpus` only. Returns whether the system agreed.
bool runThisThreadOn(std::span<const int> cpus);

/// How many threads are worth starting: the allowed CPUs, or fewer where a
/// control group limits the CPU time. At least 1.
int usefulThreads();

} // namespace dsv3::runtime
