//===- StepCost.cpp - what a step needs at least --------------------------===//

#include "dsv3/Plan/StepCost.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Layout.h"
#include "dsv3/Plan/Names.h"

#include <algorithm>
#include <cmath>

namespace dsv3::plan {

Cost &Cost::operator+=(const Cost &other) {
  weightBytes += other.weightBytes;
  cacheBytes += other.cacheBytes;
  weightFlops += other.weightFlops;
  return *this;
}

static double elementsOf(const Parameter &parameter) {
  return double(parameter.groups) * double(parameter.rows) * double(parameter.columns);
}

/// Data and scales without what a layout repeats or pads.
static double bytesOf(const Parameter &parameter) {
  double bytes = elementsOf(parameter) * double(bitSize(parameter.type)) / 8;
  if (parameter.scaleRows > 0) {
    ScaleForm form = *scaleForm(parameter.type);
    bytes += double(parameter.groups) * double(ceilDiv(parameter.rows, parameter.scaleRows)) *
             double(ceilDiv(parameter.columns, parameter.scaleColumns)) * double(form.numbers) *
             double(byteSize(form.type));
  }
  return bytes;
}

double evenlyTouched(int64_t experts, int64_t perToken, int64_t tokens) {
  double others = 1 - double(perToken) / double(experts);
  return double(experts) * (1 - std::pow(others, double(tokens)));
}

double rowsOf(const Plan &plan, const Kernel &kernel, size_t variant, const StepShape &step) {
  const TileCount &tiles = kernel.variants[variant].tiles;
  if (tiles.size < 0) {
    return 1;
  }
  const std::string &size = plan.sizes[size_t(kernel.sizes[size_t(tiles.size)])].name;
  return double(size == sizeOutputs ? step.outputs : step.tokens) * double(tiles.factor);
}

Cost launchCost(const Plan &plan, size_t variant, const Instruction &launch,
                const StepShape &step) {
  const Kernel &kernel = plan.kernels[size_t(launch.target)];
  std::optional<Family> family = familyFromName(kernel.family);
  double rows = rowsOf(plan, kernel, variant, step);
  Cost cost;
  for (const Arg &arg : launch.args) {
    if (arg.kind == ArgKind::Cache && family != Family::RopeAppend) {
      cost.cacheBytes = double(step.position + step.tokens) *
                        double(plan.cache.latent + plan.cache.rope) *
                        double(byteSize(plan.cache.type));
    }
    if (arg.kind != ArgKind::Parameter) {
      continue;
    }
    const Parameter &parameter = plan.parameters[size_t(arg.index)];
    double bytes = bytesOf(parameter), elements = elementsOf(parameter);
    switch (family.value_or(Family::Rowwise)) {
    case Family::Gather:
      bytes = rows * double(parameter.columns) * double(bitSize(parameter.type)) / 8;
      break;
    case Family::Gemm:
      cost.weightFlops += 2 * rows * elements;
      break;
    case Family::GroupedGemm:
      bytes *= std::min(1.0, step.expertsTouched / double(parameter.groups));
      cost.weightFlops += 2 * rows * elements / double(parameter.groups);
      break;
    case Family::ExpandedAttention: // every cached token is expanded once
    case Family::ExpandLatents:
      cost.weightFlops += 2 * double(step.position + step.tokens) * elements;
      break;
    default:
      break;
    }
    cost.weightBytes += bytes;
  }
  return cost;
}

static void visitLaunches(const Entry &entry, const std::vector<Instruction> &instructions,
                          int64_t layer,
                          const std::function<void(const Instruction &, int64_t)> &visit) {
  for (const Instruction &instruction : instructions) {
    if (instruction.opcode == Opcode::Launch) {
      visit(instruction, layer);
    } else if (instruction.opcode == Opcode::Call) {
      visitLaunches(entry, entry.bodies[size_t(instruction.target)].instructions, instruction.layer,
                    visit);
    }
  }
}

void forLaunches(const Entry &entry,
                 const std::function<void(const Instruction &, int64_t)> &visit) {
  visitLaunches(entry, entry.instructions, -1, visit);
}

Cost stepCost(const Plan &plan, size_t variant, const Entry &entry, const StepShape &step) {
  Cost cost;
  forLaunches(entry, [&](const Instruction &launch, int64_t) {
    cost += launchCost(plan, variant, launch, step);
  });
  return cost;
}

double weightSeconds(const Plan &plan, size_t variant, const Entry &entry, const StepShape &step,
                     const MachineLimits &limits) {
  double seconds = 0;
  forLaunches(entry, [&](const Instruction &launch, int64_t) {
    Cost cost = launchCost(plan, variant, launch, step);
    seconds += limits.seconds(cost.weightBytes, cost.weightFlops);
  });
  return seconds;
}

} // namespace dsv3::plan
