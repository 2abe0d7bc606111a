//===- Steps.cpp - a prompt as steps --------------------------------------===//

#include "runtime/session/Steps.h"

#include <string>

using namespace dsv3;
using namespace dsv3::runtime;

Expected<ChosenStep> runtime::chooseStep(std::span<const StepRange> entries, int64_t wanted) {
  size_t largest = entries.size();
  for (size_t i = 0; i < entries.size(); ++i) {
    const StepRange &entry = entries[i];
    if (entry.minTokens <= wanted && wanted <= entry.maxTokens) {
      return ChosenStep{i, wanted};
    }
    if (entry.maxTokens < wanted &&
        (largest == entries.size() || entry.maxTokens > entries[largest].maxTokens)) {
      largest = i;
    }
  }
  if (largest == entries.size()) {
    return Failure{"no entry of the plan admits a step of " + std::to_string(wanted) + " tokens",
                   "", "try another --chunk"};
  }
  return ChosenStep{largest, entries[largest].maxTokens};
}
