//===- PlanInput.cpp - plans behind a sound header ------------------------===//
#include "PlanInput.h"

#include "dsv3/Plan/PlanFile.h"

namespace dsv3::fuzz {

/// Magic and version stand before the size, the body behind the checksum.
static constexpr size_t sizeAt = 12, checksumAt = 20, bodyAt = 28;

static void put(std::string &bytes, size_t at, uint64_t value) {
  for (size_t i = 0; i < 8; ++i) {
    bytes[at + i] = char(value >> (8 * i));
  }
}

std::optional<plan::Plan> planOf(std::string_view bytes) {
  (void)plan::parse(bytes, "plan.dsv3").ok();
  std::string file(bytes);
  if (file.size() >= bodyAt) {
    uint64_t sum = 0xCBF29CE484222325U;
    for (char byte : std::string_view(file).substr(bodyAt)) {
      sum = (sum ^ uint8_t(byte)) * 0x100000001B3U;
    }
    put(file, sizeAt, file.size());
    put(file, checksumAt, sum);
  }
  Expected<plan::Plan> plan = plan::parse(file, "plan.dsv3");
  return plan ? std::optional(*std::move(plan)) : std::nullopt;
}

} // namespace dsv3::fuzz
