//===- Validate.cpp - does a plan make sense ------------------------------===//
//
// Checks everything that an executor relies on, so that it needs no check of its
// own: after validate() every index is in range and every offset lies inside of
// its arena. What kernels rely on it cannot know (PlanFile.h). Failures name the parameter, kernel
// or entry, and both values.
//
//===----------------------------------------------------------------------===//

#include "ValidateForm.h"
#include "ValidateGrowth.h"
#include "ValidateParameter.h"

#include "dsv3/Plan/PlanFile.h"

#include <algorithm>
#include <limits>
#include <set>

using namespace dsv3;
using namespace dsv3::plan;
using plan::detail::bad;

static bool inRange(int64_t index, size_t count) { return index >= 0 && index < int64_t(count); }

static std::string number(int64_t value) { return std::to_string(value); }

/// Published blocks have 128 × 128; a step of the largest entries 512 tokens. What the
/// executor's work or memory grows with is bounded well above.
static constexpr int64_t mostScaleBlock = 1 << 20, mostStepTokens = 1 << 24;

static Status checkNumbers(const Plan &plan) {
  if (plan.vocabSize <= 0 || plan.hiddenSize <= 0 || plan.layers <= 0 ||
      plan.vocabSize > std::numeric_limits<int32_t>::max()) {
    return bad("plan", "expected a vocabulary, hidden size and layers of 1 or more, found " +
                           number(plan.vocabSize) + ", " + number(plan.hiddenSize) + " and " +
                           number(plan.layers));
  }
  auto isBlockSize = [](int64_t size) { return size > 0 && size <= mostScaleBlock; };
  if (!plan.scaleBlock.empty() &&
      (plan.scaleBlock.size() != 2 || !std::ranges::all_of(plan.scaleBlock, isBlockSize))) {
    return bad("plan", "expected a scale block of two sizes from 1 to " + number(mostScaleBlock));
  }
  const Cache &cache = plan.cache;
  for (int64_t value : {cache.latent, cache.rope, cache.pageTokens, cache.maxContext,
                        cache.maxRequests, cache.layers}) {
    if (value <= 0 || value > std::numeric_limits<int32_t>::max()) {
      return bad("cache", "expected sizes between 1 and 2^31 - 1, found " + number(value));
    }
  }
  if (bitSize(cache.type) % 8 != 0) {
    return bad("cache", "expected elements of whole bytes, found " + std::string(name(cache.type)));
  }
  if (cache.layers < plan.layers) {
    return bad("cache", "expected a cache for each of the " + number(plan.layers) +
                            " layers, found " + number(cache.layers));
  }
  if (!plan::detail::product({cache.layers, cache.latent + cache.rope,
                              int64_t(byteSize(cache.type)),
                              cache.maxPagesPerRequest() * cache.pageTokens, cache.maxRequests})) {
    return bad("cache", "its size overflows");
  }
  std::set<std::string> names;
  for (const Size &size : plan.sizes) {
    if (size.name.empty() || !names.insert(size.name).second) {
      return bad("size '" + size.name + "'", "expected a name of its own");
    }
  }
  return {};
}

static Status checkVariants(const Plan &plan) {
  std::set<std::string> names;
  for (const Variant &variant : plan.variants) {
    std::string where = "variant '" + variant.name + "'";
    if (variant.name.empty() || !names.insert(variant.name).second) {
      return bad(where, "expected a name of its own");
    }
    // The object is a file of the bundle, nowhere else.
    if (variant.object.empty() || variant.object == "." || variant.object == ".." ||
        variant.object.find('/') != std::string::npos ||
        variant.object.find('\0') != std::string::npos) {
      return bad(where, "expected the name of a file as object, found '" + variant.object + "'");
    }
  }
  return names.empty() ? bad("plan", "expected at least one variant") : Status();
}

static Status checkKernel(const Plan &plan, const Kernel &kernel) {
  std::string where = "kernel '" + kernel.symbol + "'";
  for (int32_t size : kernel.sizes) {
    if (!inRange(size, plan.sizes.size())) {
      return bad(where, "size " + number(size) + " of " + number(int64_t(plan.sizes.size())));
    }
  }
  if (kernel.variants.size() != plan.variants.size()) {
    return bad(where, "expected an entry for each of the " + number(int64_t(plan.variants.size())) +
                          " variants, found " + number(int64_t(kernel.variants.size())));
  }
  for (const KernelVariant &variant : kernel.variants) {
    const TileCount &tiles = variant.tiles;
    if (tiles.size >= 0 && !inRange(tiles.size, kernel.sizes.size())) {
      return bad(where, "tiles by size " + number(tiles.size) + " of its " +
                            number(int64_t(kernel.sizes.size())));
    }
    auto isCount = [](int64_t n) { return n >= 0 && n <= std::numeric_limits<uint32_t>::max(); };
    if (tiles.divisor == 0 || !isCount(tiles.factor) || !isCount(tiles.divisor) ||
        !isCount(tiles.times) || !isCount(tiles.plus)) {
      return bad(where, "expected tile counts that are not negative and a positive divisor, all "
                        "below 2^32");
    }
    if (variant.scratchBytes < 0 || variant.scratchBytes > int64_t(1) << 40) {
      return bad(where, "scratch of " + number(variant.scratchBytes) + " bytes");
    }
  }
  return {};
}

/// The tiles of every launch stay below 2^32 at the entry's maxima.
static Status checkTiles(const Kernel &kernel, const Entry &entry, const std::string &where) {
  for (const KernelVariant &variant : kernel.variants) {
    const TileCount &tiles = variant.tiles;
    int64_t most = tiles.size < 0 ? 1 : entry.maxima[kernel.sizes[tiles.size]];
    auto scaled = plan::detail::product({most, tiles.factor});
    auto counted =
        scaled ? plan::detail::product({(*scaled - 1) / tiles.divisor + 1, tiles.times}) : scaled;
    if (!counted || *counted + tiles.plus > std::numeric_limits<uint32_t>::max()) {
      return bad(where, "kernel '" + kernel.symbol + "' has too many tiles");
    }
  }
  return {};
}

namespace {

/// Checks the program of one entry; walks every call with its layer and the
/// arguments that it binds.
class EntryChecker {
public:
  EntryChecker(const Plan &plan, const Entry &entry)
      : plan(plan), entry(entry), where("entry '" + entry.name + "'") {}

  Status check() {
    if (Status status = checkSizes(); !status) {
      return status;
    }
    for (const Instruction &instruction : entry.instructions) {
      Status status = checkInstruction(instruction, instruction.layer, {}, where);
      if (!status) {
        return status;
      }
    }
    return {};
  }

private:
  const Plan &plan;
  const Entry &entry;
  std::string where;

  Status checkSizes() const {
    if (entry.role.empty() || entry.minTokens < 1 || entry.maxTokens < entry.minTokens ||
        entry.maxTokens > mostStepTokens) {
      return bad(where, "expected a role and a range of tokens up to " + number(mostStepTokens) +
                            ", found '" + entry.role + "' and " + number(entry.minTokens) + " to " +
                            number(entry.maxTokens));
    }
    if (entry.maxima.size() != plan.sizes.size()) {
      return bad(where, "expected a maximum for each of the " + number(int64_t(plan.sizes.size())) +
                            " sizes, found " + number(int64_t(entry.maxima.size())));
    }
    for (int64_t maximum : entry.maxima) {
      if (maximum < 1 || maximum > std::numeric_limits<int32_t>::max()) {
        return bad(where, "a size's maximum of " + number(maximum));
      }
    }
    if (entry.arenaBytes < 0 || entry.arenaBytes > plan::detail::mostBytes) {
      return bad(where, "an arena of " + number(entry.arenaBytes) + " bytes");
    }
    for (const std::vector<Port> *ports : {&entry.inputs, &entry.outputs}) {
      std::set<std::string> names;
      for (const Port &port : *ports) {
        if (port.name.empty() || !names.insert(port.name).second ||
            !inRange(port.size, plan.sizes.size()) || port.columns < 1 ||
            bitSize(port.type) % 8 != 0 ||
            !plan::detail::product({entry.maxima[port.size], port.columns, 8})) {
          return bad(where, "port '" + port.name + "' has no proper name, type, size or columns");
        }
      }
    }
    for (const Observation &observation : entry.observations) {
      if (!inRange(observation.size, plan.sizes.size()) || observation.columns < 1 ||
          bitSize(observation.type) % 8 != 0 ||
          !plan::detail::product({entry.maxima[observation.size], observation.columns, 8})) {
        return bad(where,
                   "observation '" + observation.name + "' has no proper type, size or columns");
      }
    }
    return {};
  }

  Status checkInstruction(const Instruction &instruction, int64_t layer, std::span<const Arg> bound,
                          const std::string &at) const {
    // Layer l + 1 of an observation is the output of layer l.
    bool observed = instruction.opcode == Opcode::Observe;
    int64_t layers = observed ? std::max(plan.layers + 1, plan.cache.layers) : plan.cache.layers;
    if (layer < -1 || layer >= layers) {
      return bad(at, "layer " + number(layer) + " of " + number(layers));
    }
    for (const Arg &arg : instruction.args) {
      if (Status status = checkArg(arg, layer, bound, at); !status) {
        return status;
      }
    }
    switch (instruction.opcode) {
    case Opcode::Launch:
      if (!inRange(instruction.target, plan.kernels.size())) {
        return bad(at, "launches kernel " + number(instruction.target) + " of " +
                           number(int64_t(plan.kernels.size())));
      }
      return checkTiles(plan.kernels[instruction.target], entry, at);
    case Opcode::Observe:
      return checkObserve(instruction, bound, at);
    case Opcode::Call:
      return checkCall(instruction, at);
    }
    return {};
  }

  Status checkCall(const Instruction &call, const std::string &at) const {
    if (at != where) {
      return bad(at, "a body calls a body");
    }
    if (!inRange(call.target, entry.bodies.size())) {
      return bad(at, "calls body " + number(call.target) + " of " +
                         number(int64_t(entry.bodies.size())));
    }
    const Body &body = entry.bodies[call.target];
    std::string inside = at + ", body '" + body.name + "'";
    for (const Instruction &instruction : body.instructions) {
      if (instruction.layer != -1) {
        return bad(inside, "an instruction of a body names layer " + number(instruction.layer) +
                               "; the call names it");
      }
      if (Status status = checkInstruction(instruction, call.layer, call.args, inside); !status) {
        return status;
      }
    }
    return {};
  }

  Status checkObserve(const Instruction &instruction, std::span<const Arg> bound,
                      const std::string &at) const {
    if (!inRange(instruction.target, entry.observations.size()) || instruction.args.size() != 1) {
      return bad(at, "expected an observation of one value, found observation " +
                         number(instruction.target) + " of " +
                         number(int64_t(instruction.args.size())) + " values");
    }
    const Observation &observation = entry.observations[instruction.target];
    const Arg &written = instruction.args[0];
    const Arg &arg = written.kind == ArgKind::Formal ? bound[size_t(written.index)] : written;
    int64_t bytes =
        entry.maxima[observation.size] * observation.columns * int64_t(byteSize(observation.type));
    int64_t available = 0;
    if (arg.kind == ArgKind::Arena) {
      available = entry.arenaBytes - arg.offset;
    } else if (arg.kind == ArgKind::Input || arg.kind == ArgKind::Output) {
      const Port &port =
          (arg.kind == ArgKind::Input ? entry.inputs : entry.outputs)[size_t(arg.index)];
      available = entry.maxima[port.size] * port.columns * int64_t(byteSize(port.type));
    } else {
      return bad(at, "observation '" + observation.name + "' is of neither arena nor port");
    }
    if (bytes > available) {
      return bad(at, "observation '" + observation.name + "' of " + number(bytes) +
                         " bytes exceeds the " + number(available) + " that are there");
    }
    return {};
  }

  Status checkArg(const Arg &arg, int64_t layer, std::span<const Arg> bound,
                  const std::string &at) const {
    if (arg.kind != ArgKind::Arena && arg.offset != 0) {
      return bad(at, "an offset of " + number(arg.offset) + " outside of the arena");
    }
    auto index = [&](const char *what, size_t count) {
      return inRange(arg.index, count) ? Status()
                                       : bad(at, std::string(what) + " " + number(arg.index) +
                                                     " of " + number(int64_t(count)));
    };
    switch (arg.kind) {
    case ArgKind::Arena:
      return arg.offset >= 0 && arg.offset < entry.arenaBytes
                 ? Status()
                 : bad(at, "offset " + number(arg.offset) + " in an arena of " +
                               number(entry.arenaBytes) + " bytes");
    case ArgKind::Formal:
      return index("argument", bound.size());
    case ArgKind::Input:
      return index("input", entry.inputs.size());
    case ArgKind::Output:
      return index("output", entry.outputs.size());
    case ArgKind::Cache:
      return layer >= 0 ? Status() : bad(at, "the cache outside of a layer");
    case ArgKind::PageTable:
      return {};
    case ArgKind::Parameter:
    case ArgKind::Scales:
      break;
    }
    if (Status status = index("parameter", plan.parameters.size()); !status) {
      return status;
    }
    const Parameter &parameter = plan.parameters[size_t(arg.index)];
    if (arg.kind == ArgKind::Scales && parameter.scaleRows == 0) {
      return bad(at, "scales of parameter '" + parameter.name + "', which has none");
    }
    if (!parameter.layers.empty() &&
        !std::binary_search(parameter.layers.begin(), parameter.layers.end(), layer)) {
      return bad(at, "parameter '" + parameter.name + "' does not exist in layer " + number(layer));
    }
    return {};
  }
};

} // namespace

Status plan::validate(const Plan &plan) {
  if (Status status = checkNumbers(plan); !status) {
    return status;
  }
  if (Status status = checkVariants(plan); !status) {
    return status;
  }
  std::set<std::string> names;
  for (const Parameter &parameter : plan.parameters) {
    if (!names.insert(parameter.name).second) {
      return bad("parameter '" + parameter.name + "'", "its name occurs twice");
    }
    if (Status status = plan::detail::checkParameter(plan, parameter); !status) {
      return status;
    }
  }
  if (Status status = plan::detail::checkTensorCount(plan); !status) {
    return status;
  }
  for (const Kernel &kernel : plan.kernels) {
    if (Status status = checkKernel(plan, kernel); !status) {
      return status;
    }
  }
  // Before the walk of the entries, which takes as long as what they expand to.
  if (Status status = plan::detail::checkExpansion(plan); !status) {
    return status;
  }
  for (const Entry &entry : plan.entries) {
    if (Status status = EntryChecker(plan, entry).check(); !status) {
      return status;
    }
  }
  return plan::detail::checkForm(plan);
}
