//===- ControlGroup.cpp - what control groups grant -----------------------===//

#include "dsv3/Support/ControlGroup.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace fs = std::filesystem;

using namespace dsv3;

/// This process's group, as a path below the mounted group; empty: that one.
static fs::path ownGroup(const fs::path &root) {
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.starts_with("0::/")) {
      fs::path path = fs::path(line.substr(4)).lexically_normal();
      // A group that lies outside of what is mounted is named with "..".
      return path.empty() || path == "." || *path.begin() == ".." ? fs::path() : path;
    }
  }
  return {};
}

static std::optional<uint64_t> numberIn(const fs::path &path) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? std::optional(value) : std::nullopt; // "max" is no number
}

static std::optional<double> cpusOf(const fs::path &group) {
  std::ifstream limit(group / "cpu.max");
  // "max 100000" where there is no limit, which does not read as a number.
  double quota = 0, period = 0;
  return limit >> quota >> period && quota > 0 && period > 0 ? std::optional(quota / period)
                                                             : std::nullopt;
}

static std::optional<uint64_t> memoryOf(const fs::path &group) {
  std::optional<uint64_t> most = numberIn(group / "memory.max");
  std::optional<uint64_t> used = numberIn(group / "memory.current");
  if (!most || !used) {
    return std::nullopt;
  }
  // The group's file cache counts as used, but is given back.
  uint64_t cached = 0, value = 0;
  std::ifstream file(group / "memory.stat");
  for (std::string name; file >> name >> value;) {
    cached += name == "file" ? value : 0;
  }
  uint64_t fixed = *used - std::min(*used, cached);
  return *most - std::min(*most, fixed);
}

template <typename T>
static void lower(std::optional<T> &least, std::optional<T> value) {
  if (value && (!least || *value < *least)) {
    least = value;
  }
}

GroupLimits dsv3::groupLimits(const fs::path &root) {
  GroupLimits limits;
  for (fs::path group = ownGroup(root);; group = group.parent_path()) {
    // Without a view of its own a container sees the host's name of its group, which is not
    // below what is mounted: such folders are missing, and say nothing.
    fs::path folder = root / "sys/fs/cgroup" / group;
    lower(limits.cpus, cpusOf(folder));
    lower(limits.memory, memoryOf(folder));
    if (group.empty()) {
      return limits;
    }
  }
}
