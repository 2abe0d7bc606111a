//===- Explain.cpp - one kernel: what it does and why so ------------------===//
//
// Configurations are asked of the family table a second time, with the facts that the
// pass kern-configure asks it with: the table is a pure function, and gives the reasons
// against what was not chosen, which the IR does not hold.
//
//===----------------------------------------------------------------------===//
#include "Explain.h"

#include "Graph/Extent.h"
#include "dsv3/Conversion/KernelToPlan.h"
#include "dsv3/Support/BytesText.h"
#include "dsv3/Transforms/KernelFacts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <fmt/format.h>

using namespace mlir;

namespace dsv3::compile {

static std::string printed(Operation *op) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  op->print(stream, OpPrintingFlags().enableDebugInfo(false));
  return text;
}

/// "mr=6, nr=32".
static std::string spellFields(const plan::Configuration &config) {
  std::string text;
  for (const plan::Configuration::Field &field : config.fields) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", field.name, field.value);
  }
  return text.empty() ? "no fields" : text;
}

/// "2 * ceil(T * 8 / 16) + 3".
static std::string spellTiles(const plan::TileCount &tiles, kern::DefOp definition) {
  if (tiles.size < 0) {
    return std::to_string(tiles.plus);
  }
  auto size = cast<StringAttr>(definition.getSizesAttr()[static_cast<size_t>(tiles.size)]);
  std::string rows = size.str();
  if (tiles.factor != 1) {
    rows += fmt::format(" * {}", tiles.factor);
  }
  if (tiles.divisor != 1) {
    rows = fmt::format("ceil({} / {})", rows, tiles.divisor);
  }
  std::string text = tiles.times == 1 ? rows : fmt::format("{} * {}", tiles.times, rows);
  return tiles.plus == 0 ? text : fmt::format("{} + {}", text, tiles.plus);
}

/// Every configuration that the table has for the kernel, the chosen one first.
Expected<std::string> Explanation::choiceText(const Choice &choice, ModuleOp configured,
                                              kern::DefOp definition) const {
  const plan::GpuVariant *gpu = plan::findGpuVariant(choice.variant);
  std::string text = explanationLine("variant", choice.variant), others;
  bool chosen = false;
  for (const plan::Configuration &config : choice.configs) {
    std::string entry = spellFields(config) + ": " + config.reason;
    if (!config.legal) {
      others += explanationLine("  rejected", entry);
      continue;
    }
    if (chosen) {
      others += explanationLine("  possible", entry);
      continue;
    }
    chosen = true;
    text += explanationLine("  chosen", entry) +
            explanationLine(gpu ? "  blocks" : "  tiles", spellTiles(config.tiles, definition));
    if (!gpu) {
      text += explanationLine("  scratch", bytesText(config.scratchBytes) + " a thread");
      continue;
    }
    FailureOr<plan::Plan> plan = planModule(configured);
    if (failed(plan)) {
      return Failure{"the model has no plan", "--explain", "see the message above"};
    }
    Expected<std::string> lines = gpuLines({definition, facts, *gpu, config}, *plan, flags);
    if (!lines) {
      return lines;
    }
    text += *lines;
  }
  return text + others;
}

LogicalResult Explanation::observe(Phase phase, ModuleOp module) {
  auto definition = module.lookupSymbol<kern::DefOp>(kernel);
  if (!definition) {
    return success();
  }
  if (phase == Phase::Fused) {
    for (Operation &op : definition.getBody().front().without_terminator()) {
      ops += (ops.empty() ? "" : ", ") + op.getName().getStringRef().str();
    }
    body = printed(definition);
  }
  if (phase == Phase::Kernels) {
    FailureOr<plan::KernelFacts> found = kernelFacts(definition);
    if (failed(found)) {
      return failure();
    }
    facts = *found;
    core = definition.getCore()->getName().getStringRef();
    plan::Family family = *plan::familyFromName(*definition.getFamily());
    facts.warpGroups = *plan::warpGroupsFromName(options.tensorCores); // checked before
    for (const std::string &variant : options.variants) {
      choices.push_back(
          {variant, plan::enumerateConfigs(family, std::string_view(variant), facts)});
    }
  }
  return success();
}

/// A line for each function that launches the kernel.
static std::string spellLaunches(ModuleOp module, llvm::StringRef kernel) {
  std::string text;
  for (auto function : module.getOps<func::FuncOp>()) {
    int64_t count = 0;
    function.walk([&](kern::LaunchOp launch) { count += launch.getCallee() == kernel ? 1 : 0; });
    if (count > 0) {
      std::string path = graph::modelPath(function); // ", in @moe (layers 3-60)"
      text +=
          explanationLine("launched", path.substr(2) + ", " +
                                          (count == 1 ? "once" : std::to_string(count) + " times"));
    }
  }
  return text;
}

Expected<std::string> Explanation::text(ModuleOp configured) const {
  auto definition = configured.lookupSymbol<kern::DefOp>(kernel);
  if (!definition) {
    std::string names;
    for (auto known : configured.getOps<kern::DefOp>()) {
      names += " @" + known.getSymName().str();
    }
    return Failure{"there is no kernel @" + kernel, "--explain", "there are" + names};
  }
  std::string variants;
  for (const Choice &choice : choices) {
    Expected<std::string> text = choiceText(choice, configured, definition);
    if (!text) {
      return text;
    }
    variants += *text;
  }
  return explanationLine("kernel", "@" + kernel) +
         explanationLine("kind", definition.getKind().str()) + explanationLine("fuses", ops) +
         explanationLine("core", core) + spellLaunches(configured, kernel) + variants +
         "body after phase fused:\n" + body + "\n";
}

} // namespace dsv3::compile
