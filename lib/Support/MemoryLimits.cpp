//===- MemoryLimits.cpp - how much memory there is ------------------------===//

#include "dsv3/Support/MemoryLimits.h"

#include "dsv3/Support/ControlGroup.h"

#include <algorithm>
#include <fstream>
#include <string>

using namespace dsv3;

/// What /proc/meminfo says of available memory and free swap.
static std::optional<uint64_t> systemMemory() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  uint64_t value = 0, total = 0;
  bool found = false;
  while (file >> name >> value && std::getline(file, unit)) {
    if (name == "MemAvailable:" || name == "SwapFree:") {
      total += value * 1024;
      found |= name == "MemAvailable:";
    }
  }
  return found ? std::optional(total) : std::nullopt;
}

std::optional<uint64_t> dsv3::availableMemory() {
  std::optional<uint64_t> available = systemMemory();
  if (!available) {
    return available;
  }
  return std::min(*available, groupLimits().memory.value_or(*available));
}
