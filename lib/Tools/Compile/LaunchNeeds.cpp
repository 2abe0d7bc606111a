//===- LaunchNeeds.cpp - the least that a launch of a kernel does ---------===//
//
// Weights, cache and their operations come from the plan, by the functions that benchmarks
// use. Activations come from the types of the definition's arguments, which plans do not have.
//
//===----------------------------------------------------------------------===//
#include "LaunchNeeds.h"

#include "Graph/Extent.h"
#include "dsv3/Plan/Names.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>

using namespace mlir;

namespace dsv3::compile {

int64_t mostOf(kern::DefOp definition, StringRef name) {
  ArrayAttr maxima = definition.getMaximaAttr();
  for (Attribute entry : maxima ? maxima.getValue() : ArrayRef<Attribute>()) {
    auto size = cast<graph::SizeAttr>(entry);
    if (size.getName().getValue() == name) {
      return size.getMax();
    }
  }
  return 1;
}

/// Bytes of a tensor in the step.
static double bytesOf(RankedTensorType type, kern::DefOp definition, const plan::StepShape &step) {
  double elements = 1;
  for (const graph::Extent &extent : graph::extentsOf(type)) {
    if (extent.isStatic()) {
      elements *= double(extent.value);
      continue;
    }
    auto [base, factor] = graph::DimsAttr::split(extent.name);
    int64_t size = base == StringRef(plan::sizeTokens)    ? step.tokens
                   : base == StringRef(plan::sizeOutputs) ? step.outputs
                                                          : mostOf(definition, base);
    elements *= double(size * factor);
  }
  return elements * double(type.getElementTypeBitWidth()) / 8;
}

/// Bytes of an argument that the kernel touches: where it has views of it alone, those.
static double touchedBytes(BlockArgument argument, kern::DefOp definition,
                           const plan::StepShape &step) {
  double all = bytesOf(cast<RankedTensorType>(argument.getType()), definition, step), viewed = 0;
  for (Operation *user : argument.getUsers()) {
    auto view = dyn_cast<kern::ViewOp>(user);
    viewed += view ? bytesOf(cast<RankedTensorType>(view.getType()), definition, step) : all;
  }
  return std::min(all, viewed);
}

static const plan::Instruction *findLaunch(const plan::Plan &plan, StringRef symbol) {
  const plan::Instruction *found = nullptr;
  for (const plan::Entry &entry : plan.entries) {
    plan::forLaunches(entry, [&](const plan::Instruction &launch, int64_t) {
      bool same = StringRef(plan.kernels[size_t(launch.target)].symbol) == symbol;
      found = same ? &launch : found;
    });
  }
  return found;
}

/// Scores and weighted sums of all heads. A token sees those before it and itself.
static double attentionFlops(plan::Family family, const plan::KernelFacts &facts,
                             const plan::StepShape &step) {
  double seen = double(step.position) + double(step.tokens + 1) / 2;
  double pairs = double(facts.heads) * double(step.tokens) * seen;
  switch (family) {
  case plan::Family::LatentAttention:
    return 2 * pairs * double(2 * facts.latent + facts.rope);
  case plan::Family::ExpandedAttention:
  case plan::Family::PrefillAttention:
    return 2 * pairs * double(facts.nope + facts.rope + facts.value);
  default:
    return 0;
  }
}

/// Which share of the partial results of attention has keys behind it: parts have whole pages.
static double usedParts(std::optional<uint64_t> parts, uint64_t leastPages, int64_t pageTokens,
                        int64_t position) {
  if (!parts) {
    return 1;
  }
  auto all = static_cast<int64_t>(*parts);
  int64_t pages = position / pageTokens + 1;
  int64_t ofPart = std::max((pages + all - 1) / all, static_cast<int64_t>(leastPages));
  int64_t used = (pages + ofPart - 1) / ofPart;
  return double(used) / double(all);
}

/// The share of an argument that a step needs: of partial results, and of expanded keys, which have
/// room for the whole context.
static double usedShare(kern::DefOp definition, BlockArgument argument, const plan::StepShape &step,
                        const plan::Plan &plan) {
  auto ofKeys = [&](ValueRange expanded) {
    double keys = double(step.position + step.tokens);
    double rooms = double(plan.cache.maxContext * plan.cache.maxRequests);
    return llvm::is_contained(expanded, argument) ? std::min(1.0, keys / rooms) : 1.0;
  };
  auto ofParts = [&](std::optional<uint64_t> parts, uint64_t leastPages, BlockArgument partials) {
    return argument == partials ? usedParts(parts, leastPages, plan.cache.pageTokens, step.position)
                                : 1.0;
  };
  return TypeSwitch<Operation *, double>(definition.getCore())
      .Case([&](kern::LatentAttentionOp op) {
        return ofParts(op.getParts(), op.getPartPages(), definition.getDestinations().front());
      })
      .Case([&](kern::AttentionCombineOp op) {
        // As many as there may be: attention knows how many pages a part has at the least.
        return ofParts(op.getParts(), 1, definition.getInputs().front());
      })
      .Case([&](kern::ExpandLatentsOp op) {
        return ofKeys(
            {op.getKeysDestination(), op.getRopeKeysDestination(), op.getValuesDestination()});
      })
      .Case([&](kern::PrefillAttentionOp op) {
        return ofKeys({op.getKeys(), op.getRopeKeys(), op.getValues()});
      })
      .Default(1.0);
}

/// What is neither a weight nor the cache. `args` are the launch's, a cache being two.
static double activationBytes(kern::DefOp definition, plan::Family family, ArrayRef<plan::Arg> args,
                              const plan::StepShape &step, const plan::Plan &plan) {
  double results = 0, sum = 0;
  for (BlockArgument destination : definition.getDestinations()) {
    results += touchedBytes(destination, definition, step);
  }
  size_t next = 0;
  for (BlockArgument argument : definition.getBody().getArguments()) {
    const plan::Arg &arg = args[next];
    bool cache = isa<graph::CacheType>(argument.getType());
    next += cache ? 2 : 1;
    if (cache || arg.kind == plan::ArgKind::Parameter || arg.kind == plan::ArgKind::Scales) {
      continue;
    }
    double bytes =
        touchedBytes(argument, definition, step) * usedShare(definition, argument, step, plan);
    // Of a table those rows are read that are taken.
    sum += family == plan::Family::Gather ? std::min(bytes, results) : bytes;
  }
  return sum;
}

std::optional<LaunchNeeds> launchNeeds(kern::DefOp definition, const plan::KernelFacts &facts,
                                       const plan::Plan &plan, size_t variant,
                                       plan::StepShape step) {
  const plan::Instruction *launch = findLaunch(plan, definition.getSymName());
  if (!launch) {
    return std::nullopt;
  }
  plan::Family family = *plan::familyFromName(*definition.getFamily());
  step.expertsTouched = plan::evenlyTouched(facts.groups, facts.rowFactor, step.tokens);
  plan::Cost cost = plan::launchCost(plan, variant, *launch, step);
  LaunchNeeds needs{cost.weightBytes, cost.cacheBytes,
                    activationBytes(definition, family, launch->args, step, plan),
                    cost.weightFlops + attentionFlops(family, facts, step)};
  if (family == plan::Family::RopeAppend) {
    needs.cacheBytes =
        double(step.tokens) * double(facts.latent + facts.rope) * double(byteSize(facts.cache));
  }
  return needs;
}

} // namespace dsv3::compile
