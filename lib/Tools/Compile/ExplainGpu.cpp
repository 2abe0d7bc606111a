//===- ExplainGpu.cpp - a kernel on a GPU: occupancy and roofline ---------===//
//
// What the code takes is asked of NVRTC, how many blocks a multiprocessor holds of the function
// that the simulator's predictions ask, and the limits are those of the one table of chips. The
// roofline has the least bytes and operations of a launch: no kernel is faster, and how near one
// comes `dsv3-run profile` says.
//
//===----------------------------------------------------------------------===//
#include "ExplainGpu.h"

#include "CodeFacts.h"
#include "LaunchNeeds.h"
#include "dsv3/Plan/GpuKernel.h"
#include "dsv3/Plan/Layout.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Plan/Occupancy.h"
#include "dsv3/Support/BytesText.h"
#include "dsv3/Target/Cuda.h"

#include "llvm/ADT/STLExtras.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

using namespace mlir;

namespace dsv3::compile {

/// Tokens that are cached where no other number is asked for.
static constexpr int64_t usualDepth = 4096;

std::string explanationLine(StringRef name, const std::string &value) {
  return fmt::format("{:<12} {}\n", name.str(), value);
}

Status checkExplain(const ExplainFlags &flags, const std::vector<std::string> &variants) {
  bool more = !flags.chip.empty() || flags.tokens || flags.depth;
  if (!more) {
    return {};
  }
  std::string flag = !flags.chip.empty() ? "--chip" : flags.tokens ? "--tokens" : "--depth";
  if (flags.kernel.empty()) {
    return Failure{"it belongs to --explain, found none", flag, "give --explain=@KERNEL too"};
  }
  auto isGpu = [](const std::string &name) { return plan::findGpuVariant(name) != nullptr; };
  if (llvm::none_of(variants, isGpu)) {
    return Failure{"it is about GPUs, and there is to be code for CPUs alone", flag,
                   "give --target=cuda --arch=sm_90a"};
  }
  if (flags.chip.empty()) {
    return {};
  }
  const plan::Chip *chip = plan::findChip(flags.chip);
  if (!chip) {
    return Failure{"expected one of " + plan::chipNames() + ", found " + flags.chip, flag,
                   "leave it out for one that suits --arch"};
  }
  bool runs = llvm::any_of(variants, [&](const std::string &name) {
    return isGpu(name) && plan::canRun(*plan::findGpuVariant(name), chip->capability);
  });
  return runs ? Status()
              : Failure{"expected a chip that runs one of --arch, found " + flags.chip +
                            ", which runs none of them",
                        flag, "leave it out, or name another --arch"};
}

namespace {

/// The units that multiply, and what they reach.
struct Peak {
  double flops = 0; ///< in a second
  std::string units;
};

/// A rate, time or count with three digits.
std::string threeDigits(double value) {
  int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return fmt::format("{:.{}f}", value, decimals);
}

} // namespace

/// "1.23 us".
static std::string timeText(double seconds) { return threeDigits(1e6 * seconds) + " us"; }

/// Of the form that the configuration has. Codes meet the tensor cores of warps as f16, but for
/// those of sm_120a.
static Peak peakOf(const GpuKernelChoice &kernel, const plan::Chip &chip) {
  const auto &fields = kernel.chosen.fields;
  bool hasForm = llvm::any_of(fields, [](const auto &field) { return field.name == "form"; });
  auto form =
      hasForm ? static_cast<plan::GpuProduct>(kernel.chosen.get("form")) : plan::GpuProduct::Dots;
  if (form == plan::GpuProduct::Dots || form == plan::GpuProduct::FmaTiles) {
    return {chip.fmaPeak(), "f32 multiply-adds"};
  }
  if (isOfWarpGroups(form)) {
    return kernel.facts.rows == DType::F8E4M3 ? Peak{chip.fp8Peak(), "FP8 tensor cores"}
                                              : Peak{chip.bf16Peak(), "bf16 tensor cores"};
  }
  std::string reached =
      chip.warpMmaFraction < 1
          ? fmt::format(", of which mma.sync reaches {:.0f} %", 100 * chip.warpMmaFraction)
          : std::string();
  return {chip.bf16Peak(), "bf16 tensor cores" + reached};
}

/// The text of the kernel. A diagnostic has said why there is none.
static Expected<plan::KernelText> textOf(const GpuKernelChoice &kernel) {
  FailureOr<plan::KernelText> text = cuda::printKernel(
      kernel.definition->getParentOfType<ModuleOp>(), kernel.definition, kernel.variant);
  return succeeded(text) ? Expected<plan::KernelText>(*std::move(text))
                         : Failure{"no code for " + std::string(kernel.variant.name), "",
                                   "see the message above"};
}

/// What a block takes, in lines; `code` may say why nothing is known of it.
static std::string blockLines(const GpuKernelChoice &kernel, const Expected<CodeFacts> &code) {
  std::string shared = bytesText(uint64_t(kernel.chosen.scratchBytes)) + " a block";
  if (code && code->staticSharedBytes > 0) {
    shared += ", and " + bytesText(uint64_t(code->staticSharedBytes)) + " static";
  }
  std::string text =
      explanationLine("  threads", std::to_string(kernel.chosen.get("threads")) + " a block") +
      explanationLine("  shared", shared);
  if (!code) {
    return text + explanationLine("  registers",
                                  "not known, nor local memory: " + code.failure().message());
  }
  return text + explanationLine("  registers", std::to_string(code->registers) + " a thread") +
         explanationLine("  local", bytesText(uint64_t(code->localBytes)) + " a thread");
}

/// "2 blocks a multiprocessor (24 of 64 warps) for shared memory; each alone: blocks 32, …".
static std::string occupancyText(const plan::Chip &chip, const plan::BlockNeeds &block) {
  plan::Occupancy occupancy = plan::occupancyOf(chip, block);
  int64_t warps = plan::ceilDiv(block.threads, plan::warpThreads);
  std::string each;
  for (size_t i = 0; i < plan::occupancyLimits; ++i) {
    auto limit = plan::OccupancyLimit(i);
    bool known = limit != plan::OccupancyLimit::Registers || block.registers > 0;
    each += fmt::format("{}{} {}", each.empty() ? "" : ", ", name(limit),
                        known ? std::to_string(occupancy.allowed[i]) : "not known");
  }
  return fmt::format("{} {} a multiprocessor ({} of {} warps), limited by {}; each limit alone: {}",
                     occupancy.blocks, occupancy.blocks == 1 ? "block" : "blocks",
                     occupancy.blocks * warps, chip.threads / plan::warpThreads,
                     name(occupancy.limit), each);
}

/// The step that the flags ask for, as far as the kernel is launched in it.
static Expected<plan::StepShape> stepOf(const GpuKernelChoice &kernel, const plan::Plan &plan,
                                        const ExplainFlags &flags) {
  kern::DefOp definition = kernel.definition;
  int64_t most = mostOf(definition, plan::sizeTokens);
  plan::StepShape step;
  step.tokens = flags.tokens.value_or(most);
  if (step.tokens > most) {
    return Failure{"expected at most " + std::to_string(most) + " tokens, found " +
                       std::to_string(step.tokens),
                   "--tokens",
                   "@" + definition.getSymName().str() +
                       " is launched in such steps alone; see the flags --rows, "
                       "--batch and --chunk"};
  }
  int64_t room = plan.cache.maxContext - step.tokens;
  step.position = flags.depth.value_or(std::max<int64_t>(0, std::min(usualDepth, room)));
  if (flags.depth && step.position > room) {
    return Failure{"expected at most " + std::to_string(std::max<int64_t>(0, room)) +
                       " tokens before those of the step, found " + std::to_string(step.position),
                   "--depth", "see the flag --context"};
  }
  step.outputs = std::min(step.tokens, mostOf(definition, plan::sizeOutputs));
  return step;
}

/// The blocks of a launch, and how often the chip is filled with them.
static std::string gridText(const GpuKernelChoice &kernel, const plan::Chip &chip,
                            const plan::KernelText &text, const plan::BlockNeeds &block,
                            const plan::StepShape &step) {
  kern::DefOp definition = kernel.definition;
  std::vector<int64_t> sizes;
  for (StringRef size : definition.getSizesAttr().getAsValueRange<StringAttr>()) {
    sizes.push_back(size == StringRef(plan::sizeOutputs) ? step.outputs : step.tokens);
  }
  int64_t tiles = kernel.chosen.tiles.evaluate(sizes.data());
  Expected<plan::GridShape> shape = plan::gridShapeOf(text);
  assert(shape && "the text was just printed");
  plan::LaunchGrid launched = shape->of(tiles, chip.multiprocessors);
  int64_t blocks = launched.blocks();
  int64_t atOnce = plan::occupancyOf(chip, block).blocks * chip.multiprocessors;
  std::string grid = std::to_string(blocks) + (blocks == 1 ? " block" : " blocks");
  if (launched.parts > 1) {
    grid += ", " + std::to_string(launched.parts) + " of which divide the depth of each of " +
            std::to_string(tiles) + " tiles";
  } else {
    grid += blocks != tiles ? " that share " + std::to_string(tiles) + " tiles" : "";
  }
  return atOnce == 0 ? grid + "; a block does not fit"
                     : grid + fmt::format(", {} of the chip's {} at once",
                                          threeDigits(double(blocks) / double(atOnce)), atOnce);
}

static std::string rooflineLines(const LaunchNeeds &needs, const Peak &peak,
                                 const plan::Chip &chip) {
  std::string parts;
  for (auto [bytes, what] :
       {std::pair(needs.weightBytes, "weights"), std::pair(needs.cacheBytes, "cache"),
        std::pair(needs.activationBytes, "activations")}) {
    if (bytes > 0) {
      parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", what, bytesText(uint64_t(bytes)));
    }
  }
  double reading = needs.bytes() / chip.memoryBandwidth, multiplying = needs.flops / peak.flops;
  std::string text =
      explanationLine("  bytes", "at least " + bytesText(uint64_t(needs.bytes())) +
                                     (parts.empty() ? "" : ": " + parts)) +
      explanationLine("  memory", timeText(reading) + " at " +
                                      threeDigits(chip.memoryBandwidth / 1e12) + " TB/s");
  if (needs.flops == 0) {
    return text +
           explanationLine("  FLOP", "none of products or attention; others are not counted") +
           explanationLine("  roofline", timeText(reading) + ", bound by memory");
  }
  bool byMemory = reading > multiplying;
  return text +
         explanationLine("  FLOP",
                         threeDigits(needs.flops / 1e9) + " G of products and attention") +
         explanationLine("  multiply", timeText(multiplying) + " at " +
                                           threeDigits(peak.flops / 1e12) + " TFLOPS, " +
                                           peak.units) +
         explanationLine("  intensity",
                         fmt::format("{} FLOP a byte; from {} on multiplying takes longer",
                                     threeDigits(needs.flops / needs.bytes()),
                                     threeDigits(peak.flops / chip.memoryBandwidth))) +
         explanationLine("  roofline", timeText(std::max(reading, multiplying)) + ", bound by " +
                                           (byMemory ? "memory" : "multiplying"));
}

/// The lines on the chip.
static Expected<std::string> chipLines(const GpuKernelChoice &kernel, const plan::Plan &plan,
                                       const ExplainFlags &flags, const plan::Chip &chip,
                                       const plan::KernelText &text, const CodeFacts &code) {
  Expected<plan::StepShape> step = stepOf(kernel, plan, flags);
  if (!step) {
    return step.failure();
  }
  auto variant = llvm::find_if(
      plan.variants, [&](const plan::Variant &known) { return known.name == kernel.variant.name; });
  std::optional<LaunchNeeds> needs = launchNeeds(kernel.definition, kernel.facts, plan,
                                                 size_t(variant - plan.variants.begin()), *step);
  plan::BlockNeeds block{kernel.chosen.get("threads"),
                         kernel.chosen.scratchBytes + code.staticSharedBytes, code.registers};
  std::string lines = explanationLine("  chip", fmt::format("{}, {} multiprocessors", chip.name,
                                                            chip.multiprocessors)) +
                      explanationLine("  occupancy", occupancyText(chip, block));
  if (!needs) {
    return lines + explanationLine("  roofline", "not known: no entry of the plan launches it");
  }
  return lines +
         explanationLine("  step",
                         fmt::format("{} {} behind {}", step->tokens,
                                     step->tokens == 1 ? "token" : "tokens", step->position)) +
         explanationLine("  grid", gridText(kernel, chip, text, block, *step)) +
         rooflineLines(*needs, peakOf(kernel, chip), chip);
}

Expected<std::string> gpuLines(const GpuKernelChoice &kernel, const plan::Plan &plan,
                               const ExplainFlags &flags) {
  const plan::Chip *chip =
      flags.chip.empty() ? plan::chipFor(kernel.variant) : plan::findChip(flags.chip);
  bool runs = chip && plan::canRun(kernel.variant, chip->capability);
  int32_t capability = runs ? chip->capability : kernel.variant.capability;
  Expected<plan::KernelText> text = textOf(kernel);
  if (!text) {
    return text.failure();
  }
  Expected<CodeFacts> code =
      codeFacts(*text, plan::architectureFor(kernel.variant.name, capability), capability);
  std::string lines = blockLines(kernel, code);
  if (!runs) {
    return lines +
           explanationLine("  chip", "occupancy and roofline are not known: " +
                                         (chip ? flags.chip + " does not run code"
                                               : "none of " + plan::chipNames() + " runs code") +
                                         " for " + std::string(kernel.variant.name));
  }
  Expected<std::string> ofChip =
      chipLines(kernel, plan, flags, *chip, *text, code ? *code : CodeFacts());
  return ofChip ? Expected<std::string>(lines + *ofChip) : ofChip;
}

} // namespace dsv3::compile
