//===- PlanFuzz.cpp - plan.dsv3 -------------------------------------------===//
#include "Fuzz.h"
#include "PlanInput.h"

#include "dsv3/Plan/PlanFile.h"

using namespace dsv3;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::optional<plan::Plan> plan = fuzz::planOf(fuzz::textOf(data, size));
  if (!plan) {
    return 0;
  }
  Expected<plan::Plan> again = plan::parse(plan::serialise(*plan), "plan.dsv3");
  fuzz::require(again.ok() && *again == *plan, "a plan that survives its file");
  if (plan::validate(*plan)) {
    ++fuzz::acceptedInputs;
  }
  return 0;
}
