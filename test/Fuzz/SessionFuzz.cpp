//===- SessionFuzz.cpp - plan.dsv3, run on a device of no kernels ---------===//
//
// Whoever passed validate() must not break what relies on it: resolving, the session's
// buffers and the choice of entries.
//
//===----------------------------------------------------------------------===//
#include "Fuzz.h"
#include "PlanInput.h"

#include "dsv3/Plan/PlanFile.h"
#include "runtime/drivers/null/NullDevice.h"
#include "runtime/session/Session.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::runtime;

/// No kernel reads it.
static const float theWeight = 1;

/// Larger plans take time and memory for their size alone.
static bool isSmall(const plan::Plan &plan) {
  constexpr int64_t most = 1 << 16;
  return plan.cache.maxContext <= most &&
         std::ranges::all_of(plan.entries, [](const plan::Entry &entry) {
           return std::ranges::all_of(entry.maxima,
                                      [](int64_t maximum) { return maximum <= most; });
         });
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::optional<plan::Plan> plan = fuzz::planOf(fuzz::textOf(data, size));
  if (!plan || !plan::validate(*plan) || !isSmall(*plan)) {
    return 0;
  }
  NullDevice device;
  auto weight = [](int32_t, int64_t) -> const void * { return &theWeight; };
  auto session = Session::create(device, *plan, {0, "none.so"}, {weight, weight}, {});
  if (!session) {
    return 0;
  }
  ++fuzz::acceptedInputs;
  std::vector<int32_t> ids{0, 0, 0, 0, 0};
  (void)(*session)->append(ids, OutputRows::All).ok();
  (void)(*session)->rewind(1).ok();
  (void)(*session)->append(std::span(ids).first(1)).ok();
  (void)(*session)->appendSampled(std::span(ids).first(1), {.temperature = 1}, 1).ok();
  return 0;
}
