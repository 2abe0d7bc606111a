//===- MemoryNeeds.cpp - the bytes that running a plan takes --------------===//

#include "dsv3/Plan/MemoryNeeds.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Key.h"
#include "dsv3/Plan/Layout.h"

#include <algorithm>
#include <map>
#include <string_view>

using namespace dsv3;
using namespace dsv3::plan;

static constexpr uint64_t border = 64;

static uint64_t aligned(uint64_t bytes) { return (bytes + border - 1) / border * border; }

/// Sum and product that stay at UINT64_MAX where they overflow.
static uint64_t sum(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  return __builtin_add_overflow(a, b, &result) ? UINT64_MAX : result;
}
static uint64_t times(uint64_t a, uint64_t b) {
  uint64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? UINT64_MAX : result;
}

static uint64_t copiesOf(const Parameter &parameter) {
  return std::max<uint64_t>(1, parameter.layers.size());
}

ParameterBytes plan::parameterBytes(const Parameter &parameter, const Layout &layout) {
  if (layout.kind == LayoutKind::InPlace) {
    return {0, 0, copiesOf(parameter)};
  }
  PackedShape shape(parameter, layout);
  return {aligned(shape.dataBytes()), aligned(shape.scaleBytes()), copiesOf(parameter)};
}

uint64_t plan::rowBytes(const Parameter &parameter) {
  return PackedShape(parameter, Layout()).dataBytes();
}

uint64_t plan::inPlaceBytes(const Plan &plan, size_t variant) {
  uint64_t total = 0;
  for (const Parameter &parameter : plan.parameters) {
    if (parameter.layouts[variant].kind == LayoutKind::InPlace) {
      total = sum(total, times(rowBytes(parameter), copiesOf(parameter)));
    }
  }
  return total;
}

bool plan::isOfExperts(const Parameter &parameter) {
  return std::ranges::any_of(parameter.segments,
                             [](const Segment &segment) { return namesExpert(segment.key); });
}

static uint64_t bytesOf(const Plan &plan, size_t variant, bool (*counts)(const Parameter &)) {
  uint64_t total = 0;
  for (const Parameter &parameter : plan.parameters) {
    ParameterBytes bytes = parameterBytes(parameter, parameter.layouts[variant]);
    total = counts(parameter) ? sum(total, times(bytes.stride(), bytes.copies)) : total;
  }
  return total;
}

uint64_t plan::weightBytes(const Plan &plan, size_t variant) {
  return bytesOf(plan, variant, [](const Parameter &) { return true; });
}

uint64_t plan::expertBytes(const Plan &plan, size_t variant) {
  return bytesOf(plan, variant, isOfExperts);
}

uint64_t plan::arenaBytes(const Plan &plan) {
  int64_t most = 0;
  for (const Entry &entry : plan.entries) {
    most = std::max(most, entry.arenaBytes);
  }
  return uint64_t(most);
}

uint64_t plan::portBytes(const Entry &entry, const Port &port) {
  return uint64_t(entry.maxima[size_t(port.size)] * port.columns) * byteSize(port.type);
}

static uint64_t allPorts(const Plan &plan, std::vector<Port> Entry::*ports) {
  std::map<std::string_view, uint64_t> largest;
  for (const Entry &entry : plan.entries) {
    for (const Port &port : entry.*ports) {
      uint64_t &bytes = largest[port.name];
      bytes = std::max(bytes, portBytes(entry, port));
    }
  }
  uint64_t total = 0;
  for (const auto &[name, bytes] : largest) {
    total = sum(total, bytes);
  }
  return total;
}

MemoryNeeds plan::memoryNeeds(const Plan &plan, size_t variant) {
  MemoryNeeds needs{sum(weightBytes(plan, variant), inPlaceBytes(plan, variant)), arenaBytes(plan),
                    sum(allPorts(plan, &Entry::inputs), allPorts(plan, &Entry::outputs)), 0,
                    expertBytes(plan, variant)};
  if (findGpuVariant(plan.variants[variant].name)) {
    return needs; // what blocks share is no memory of the device's
  }
  for (const Kernel &kernel : plan.kernels) {
    needs.scratch =
        std::max(needs.scratch, uint64_t(scratchStride(kernel.variants[variant].scratchBytes)));
  }
  return needs;
}

uint64_t plan::fullCacheBytes(const Cache &cache) {
  return times(times(uint64_t(cache.maxPagesPerRequest()), uint64_t(cache.maxRequests)),
               uint64_t(cache.pageBytes()));
}

uint64_t MemoryNeeds::total(int threads, const Cache &cache) const {
  return sum(withoutCache(threads), fullCacheBytes(cache));
}

uint64_t MemoryNeeds::pagesWithin(uint64_t available, int threads, const Cache &cache) const {
  uint64_t fixed = withoutCache(threads);
  return fixed > available ? 0 : (available - fixed) / uint64_t(cache.pageBytes());
}

uint64_t MemoryNeeds::withoutCache(int threads) const {
  return sum(sum(weights, arena), sum(ports, times(scratch, uint64_t(threads))));
}
