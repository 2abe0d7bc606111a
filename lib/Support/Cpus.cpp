//===- Cpus.cpp - how many CPUs there are for us --------------------------===//

#include "dsv3/Support/Cpus.h"

#include "dsv3/Support/ControlGroup.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <sched.h>

using namespace dsv3;

std::vector<int> dsv3::allowedCpus() {
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

int dsv3::usefulThreads() {
  auto cpus = int(allowedCpus().size());
  double granted = groupLimits().cpus.value_or(cpus);
  return std::clamp(int(std::ceil(std::min(granted, double(cpus)))), 1, cpus);
}
