//===- ValidateGrowth.cpp - how large a plan becomes ----------------------===//
//
// Two things of a plan are products: the instructions of a body are there once for
// each call, the tensors of a segment once for each layer and expert. So a forged file
// of a few kilobytes can ask for more work and memory than any machine has. A
// published model expands to about 10^4 instructions with their arguments, and to 10^5
// tensors.
//
//===----------------------------------------------------------------------===//

#include "ValidateGrowth.h"

#include "ValidateParameter.h"

#include "dsv3/Plan/Key.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::plan;
using plan::detail::bad;

static constexpr int64_t mostExpanded = 1 << 20, mostTensors = 1 << 22;

static int64_t weightOf(const Instruction &instruction) {
  return 1 + int64_t(instruction.args.size());
}

Status plan::detail::checkExpansion(const Plan &plan) {
  int64_t total = 0;
  for (const Entry &entry : plan.entries) {
    std::vector<int64_t> bodies;
    for (const Body &body : entry.bodies) {
      int64_t &weight = bodies.emplace_back(0);
      for (const Instruction &instruction : body.instructions) {
        weight += weightOf(instruction);
      }
    }
    for (const Instruction &instruction : entry.instructions) {
      total += weightOf(instruction);
      if (instruction.opcode == Opcode::Call && instruction.target >= 0 &&
          instruction.target < int64_t(bodies.size())) {
        total += bodies[size_t(instruction.target)];
      }
      if (total > mostExpanded) {
        return bad("entry '" + entry.name + "'",
                   "the calls of bodies up to here expand to more than " +
                       std::to_string(mostExpanded) + " instructions and arguments");
      }
    }
  }
  return {};
}

Status plan::detail::checkTensorCount(const Plan &plan) {
  int64_t total = 0;
  for (const Parameter &parameter : plan.parameters) {
    auto layers = std::max<int64_t>(1, int64_t(parameter.layers.size()));
    for (const Segment &segment : parameter.segments) {
      auto count = product({layers, namesExpert(segment.key) ? parameter.groups : 1});
      if (!count || (total += *count) > mostTensors) {
        return bad("parameter '" + parameter.name + "'",
                   "the parameters up to this one name more than " + std::to_string(mostTensors) +
                       " tensors");
      }
    }
  }
  return {};
}
