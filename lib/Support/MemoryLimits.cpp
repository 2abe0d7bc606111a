//===- MemoryLimits.cpp - how much memory there is ------------------------===//

#include "dsv3/Support/MemoryLimits.h"

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

static std::optional<uint64_t> numberIn(const char *path) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt; // "max" is no number
}

std::optional<uint64_t> dsv3::availableMemory() {
  std::optional<uint64_t> available = systemMemory();
  std::optional<uint64_t> most = numberIn("/sys/fs/cgroup/memory.max");
  std::optional<uint64_t> used = numberIn("/sys/fs/cgroup/memory.current");
  if (!available || !most || !used) {
    return available;
  }
  // The group's file cache counts as used, but is given back.
  uint64_t cached = 0, value = 0;
  std::ifstream file("/sys/fs/cgroup/memory.stat");
  for (std::string name; file >> name >> value;) {
    cached += name == "file" ? value : 0;
  }
  uint64_t fixed = *used - std::min(*used, cached);
  return std::min(*available, *most - std::min(*most, fixed));
}
