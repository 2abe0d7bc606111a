//===- MappingNames.cpp - which memory is which file -----------------------===//
#include "dsv3/Support/MappingNames.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

namespace dsv3 {
namespace {

/// Free while `taken` is false; to be read while `end` is not 0.
struct Entry {
  std::atomic<bool> taken = false;
  std::atomic<uintptr_t> begin = 0, end = 0;
  std::array<char, 512> name{};
};

} // namespace

static std::array<Entry, 1024> entries;
static_assert(std::atomic<uintptr_t>::is_always_lock_free, "signal handlers may not lock");

MappingName::MappingName(const void *begin, uint64_t bytes, std::string_view name) {
  auto free =
      std::ranges::find_if(entries, [](Entry &entry) { return !entry.taken.exchange(true); });
  if (free == entries.end()) {
    return;
  }
  slot = int(free - entries.begin());
  name = name.substr(name.size() - std::min(name.size(), free->name.size() - 1));
  *std::ranges::copy(name, free->name.begin()).out = '\0';
  free->begin = reinterpret_cast<uintptr_t>(begin);
  free->end = free->begin + uintptr_t(bytes);
}

MappingName::MappingName(MappingName &&other) noexcept : slot(std::exchange(other.slot, -1)) {}

MappingName &MappingName::operator=(MappingName &&other) noexcept {
  std::swap(slot, other.slot);
  return *this;
}

MappingName::~MappingName() {
  if (slot >= 0) {
    entries[size_t(slot)].end = 0;
    entries[size_t(slot)].taken = false;
  }
}

const char *mappingNameAt(const void *address) {
  auto at = reinterpret_cast<uintptr_t>(address);
  for (const Entry &entry : entries) {
    if (at < entry.end && at >= entry.begin) {
      return entry.name.data();
    }
  }
  return nullptr;
}

} // namespace dsv3
