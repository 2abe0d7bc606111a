//===- Cpu.cpp - what this machine's CPU can run --------------------------===//

#include "runtime/base/Cpu.h"

#include "dsv3/Plan/Names.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sched.h>

using namespace dsv3;
using namespace dsv3::runtime;

std::vector<std::string_view> runtime::runnableVariants() {
  std::vector<std::string_view> names;
#if defined(__x86_64__)
  // The compiler's run-time check asks CPUID, and XGETBV for the registers that
  // the operating system saves.
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) {
    names.push_back(plan::variantV4);
  }
  if (__builtin_cpu_supports("x86-64-v3")) {
    names.push_back(plan::variantV3);
  }
#endif
  return names;
}

template <typename Names>
static std::string joined(const Names &names) {
  std::string text;
  for (const auto &name : names) {
    text += text.empty() ? "" : ", ";
    text += name;
  }
  return text.empty() ? "none" : text;
}

Expected<size_t> runtime::bestVariant(std::span<const std::string> names) {
  std::vector<std::string_view> runnable = runnableVariants();
  for (std::string_view name : runnable) {
    auto found = std::find(names.begin(), names.end(), name);
    if (found != names.end()) {
      return size_t(found - names.begin());
    }
  }
  return Failure{"expected kernels for a variant that this machine runs (" + joined(runnable) +
                     "), found " + joined(names),
                 "", "compile for this machine with dsv3-compile"};
}

std::vector<int> runtime::allowedCpus() {
  // A machine may have more CPUs than a cpu_set_t; then the call fails until the
  // set is large enough.
  for (size_t most = CPU_SETSIZE; most <= (size_t(1) << 20); most *= 2) {
    cpu_set_t *set = CPU_ALLOC(most);
    size_t bytes = CPU_ALLOC_SIZE(most);
    if (!set) {
      break;
    }
    std::vector<int> cpus;
    if (sched_getaffinity(0, bytes, set) == 0) {
      for (size_t cpu = 0; cpu < most; ++cpu) {
        if (CPU_ISSET_S(cpu, bytes, set)) {
          cpus.push_back(int(cpu));
        }
      }
    }
    CPU_FREE(set);
    if (!cpus.empty()) {
      return cpus;
    }
  }
  return {0};
}

bool runtime::runThisThreadOn(std::span<const int> cpus) {
  if (cpus.empty()) {
    return false;
  }
  auto most = size_t(*std::ranges::max_element(cpus)) + 1;
  cpu_set_t *set = CPU_ALLOC(most);
  if (!set) {
    return false;
  }
  size_t bytes = CPU_ALLOC_SIZE(most);
  CPU_ZERO_S(bytes, set);
  for (int cpu : cpus) {
    CPU_SET_S(size_t(cpu), bytes, set);
  }
  bool agreed = sched_setaffinity(0, bytes, set) == 0;
  CPU_FREE(set);
  return agreed;
}

/// CPUs' worth of time that the process's control group (version 2) grants, or 0.
static double groupLimit() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.rfind("0::", 0) == 0) {
      std::ifstream limit("/sys/fs/cgroup" + line.substr(3) + "/cpu.max");
      // "max 100000" where there is no limit, which does not read as a number.
      double quota = 0, period = 0;
      if (limit >> quota >> period && quota > 0 && period > 0) {
        return quota / period;
      }
    }
  }
  return 0;
}

int runtime::usefulThreads() {
  auto cpus = int(allowedCpus().size());
  double limit = groupLimit();
  return limit > 0 ? std::clamp(int(std::ceil(limit)), 1, cpus) : cpus;
}
