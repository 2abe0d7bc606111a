//===- StepCost.cpp - what a step needs at least --------------------------===//

#include "runtime/bench/StepCost.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Layout.h"
#include "dsv3/Plan/Names.h"

#include <algorithm>

using namespace dsv3;
using namespace dsv3::runtime;

Cost &Cost::operator+=(const Cost &other) {
  weightBytes += other.weightBytes;
  cacheBytes += other.cacheBytes;
  weightFlops += other.weightFlops;
  return *this;
}

static double elementsOf(const plan::Parameter &parameter) {
  return double(parameter.groups) * double(parameter.rows) * double(parameter.columns);
}

/// Data and scales without what a layout repeats or pads.
static double bytesOf(const plan::Parameter &parameter) {
  double bytes = elementsOf(parameter) * double(bitSize(parameter.type)) / 8;
  if (parameter.scaleRows > 0) {
    ScaleForm form = *scaleForm(parameter.type);
    bytes += double(parameter.groups) * double(plan::ceilDiv(parameter.rows, parameter.scaleRows)) *
             double(plan::ceilDiv(parameter.columns, parameter.scaleColumns)) *
             double(form.numbers) * double(byteSize(form.type));
  }
  return bytes;
}

double runtime::rowsOf(const plan::Plan &plan, const plan::Kernel &kernel, size_t variant,
                       const StepShape &step) {
  const plan::TileCount &tiles = kernel.variants[variant].tiles;
  if (tiles.size < 0) {
    return 1;
  }
  const std::string &size = plan.sizes[size_t(kernel.sizes[size_t(tiles.size)])].name;
  return double(size == plan::sizeOutputs ? step.outputs : step.tokens) * double(tiles.factor);
}

Cost runtime::launchCost(const plan::Plan &plan, size_t variant, const plan::Instruction &launch,
                         const StepShape &step) {
  const plan::Kernel &kernel = plan.kernels[size_t(launch.target)];
  std::optional<plan::Family> family = plan::familyFromName(kernel.family);
  double rows = rowsOf(plan, kernel, variant, step);
  Cost cost;
  for (const plan::Arg &arg : launch.args) {
    if (arg.kind == plan::ArgKind::Cache && family != plan::Family::RopeAppend) {
      cost.cacheBytes = double(step.position + step.tokens) *
                        double(plan.cache.latent + plan.cache.rope) *
                        double(byteSize(plan.cache.type));
    }
    if (arg.kind != plan::ArgKind::Parameter) {
      continue;
    }
    const plan::Parameter &parameter = plan.parameters[size_t(arg.index)];
    double bytes = bytesOf(parameter), elements = elementsOf(parameter);
    switch (family.value_or(plan::Family::Rowwise)) {
    case plan::Family::Gather:
      bytes = rows * double(parameter.columns) * double(bitSize(parameter.type)) / 8;
      break;
    case plan::Family::Gemm:
      cost.weightFlops += 2 * rows * elements;
      break;
    case plan::Family::GroupedGemm:
      bytes *= std::min(1.0, step.expertsTouched / double(parameter.groups));
      cost.weightFlops += 2 * rows * elements / double(parameter.groups);
      break;
    case plan::Family::ExpandedAttention: // every cached token is expanded once
      cost.weightFlops += 2 * double(step.position + step.tokens) * elements;
      break;
    default:
      break;
    }
    cost.weightBytes += bytes;
  }
  return cost;
}

static void visitLaunches(const plan::Entry &entry,
                          const std::vector<plan::Instruction> &instructions, int64_t layer,
                          const std::function<void(const plan::Instruction &, int64_t)> &visit) {
  for (const plan::Instruction &instruction : instructions) {
    if (instruction.opcode == plan::Opcode::Launch) {
      visit(instruction, layer);
    } else if (instruction.opcode == plan::Opcode::Call) {
      visitLaunches(entry, entry.bodies[size_t(instruction.target)].instructions, instruction.layer,
                    visit);
    }
  }
}

void runtime::forLaunches(const plan::Entry &entry,
                          const std::function<void(const plan::Instruction &, int64_t)> &visit) {
  visitLaunches(entry, entry.instructions, -1, visit);
}

Cost runtime::stepCost(const plan::Plan &plan, size_t variant, const plan::Entry &entry,
                       const StepShape &step) {
  Cost cost;
  forLaunches(entry, [&](const plan::Instruction &launch, int64_t) {
    cost += launchCost(plan, variant, launch, step);
  });
  return cost;
}

double runtime::weightSeconds(const plan::Plan &plan, size_t variant, const plan::Entry &entry,
                              const StepShape &step, const Limits &limits) {
  double seconds = 0;
  forLaunches(entry, [&](const plan::Instruction &launch, int64_t) {
    Cost cost = launchCost(plan, variant, launch, step);
    seconds += limits.seconds(cost.weightBytes, cost.weightFlops);
  });
  return seconds;
}
