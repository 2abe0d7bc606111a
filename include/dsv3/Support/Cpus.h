//===- Cpus.h - how many CPUs there are for us ------------------*- C++ -*-===//
//
// Asks Linux. Thread-safe.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <vector>

namespace dsv3 {

/// The CPUs that the calling thread may run on (its affinity mask), ascending. Not empty.
std::vector<int> allowedCpus();

/// How many threads are worth starting: the allowed CPUs, or fewer where a
/// control group limits the CPU time. At least 1.
int usefulThreads();

} // namespace dsv3
