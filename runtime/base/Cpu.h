//===- Cpu.h - what this machine's CPU can run ------------------*- C++ -*-===//
//
// Which variants of compiled kernels this machine runs, and where threads run. How many CPUs
// there are: dsv3/Support/Cpus.h. Thread-safe.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

/// The variants that this machine runs, best first: CPU and operating system
/// support the instructions and the registers. Empty on other architectures.
std::vector<std::string_view> runnableVariants();

/// The index in `names` of the variant `wanted`, or, where that is empty, of the best that this
/// machine runs. Fails with the lists if it is not there or this machine does not run it.
Expected<size_t> chooseVariant(std::span<const std::string> names, std::string_view wanted);

/// The processor's brand string, with family and model as CPUID has them, since guests of a virtual
/// machine may be told no more than the maker: "AMD EPYC (family 25, model 17)".
std::string cpuName();

/// The family of an AMD core that CPUID Fn0000_0001 shows in EAX: BaseFamily, in bits 8 to 11, and
/// ExtFamily, in 20 to 27 (AMD64 Architecture Programmer's Manual, volume 3, E.3.2). 19h: Zen 3 and
/// Zen 4, 1Ah: Zen 5.
unsigned familyOf(uint32_t signature);

/// Whether loops that stream weights should ask for them ahead into the first-level cache. Where
/// operations come between two lines, the own prefetching of Intel's cores falls behind, and that
/// of AMD's from Zen 5 on. Zen 4's keeps up if they are few, when asking takes turns from loads; if
/// they are many, only asking into the second-level cache helps. Zen 3 is taken to be as Zen 4
/// (docs/performance-history.md has all of them).
bool asksFirstLevel();

/// Whether subnormal numbers are better not multiplied: it costs an assist on all cores but AMD's,
/// and they are zeros to a thread that was told so (-ffast-math of a library), as to those that it
/// starts.
bool assistsSubnormals();

/// Lets the calling thread run on `cpus` only. Returns whether the system agreed.
bool runThisThreadOn(std::span<const int> cpus);

} // namespace dsv3::runtime
