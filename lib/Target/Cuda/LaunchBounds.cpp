//===- LaunchBounds.cpp - threads of a block, and blocks beside it --------===//
//
// What a kernel says of the bounds of its launch. ptxas saves registers so that a multiprocessor
// holds more blocks, and where a loop keeps many values it moves some to local memory for that,
// although shared memory often admits no more blocks. Kernels whose loops are such leave a thread
// all the registers that it can have, or some more than ptxas takes by itself.
//
//===----------------------------------------------------------------------===//
#include "KernelText.h"

#include "dsv3/Plan/Chip.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3::cuda {

/// Registers that each thread may have where the loops of a kernel keep many values; 0 elsewhere.
static int64_t registersToLeave(const KernelText &kernel) {
  constexpr int64_t all = 256;
  constexpr int64_t ofLatents = 80; // a little more than ptxas takes by itself, 64
  constexpr int64_t ofRow = 64;     // those of a multiprocessor, by 1024 threads
  auto form = [&] { return static_cast<plan::GpuProduct>(kernel.field("form")); };
  auto product = [&](auto op) {
    constexpr int64_t manyRows = 8; // each has a sum of its own
    auto rows = cast<RankedTensorType>(op.getA().getType());
    bool ofCodes = isa<Float8E4M3FNType>(rows.getElementType());
    // Chunks on their way and their scales, of two parts.
    bool widens = !op.getPrologue().empty() && op.getParts() > 1;
    bool keepsMuch = form() == plan::GpuProduct::FmaTiles || isOfWarpGroups(form()) ||
                     (form() == plan::GpuProduct::MmaTiles && (ofCodes || widens)) ||
                     (form() == plan::GpuProduct::Dots && kernel.field("rows") >= manyRows);
    return keepsMuch ? all : 0;
  };
  kern::DefOp definition = kernel.definition;
  return llvm::TypeSwitch<Operation *, int64_t>(definition.getCore())
      .Case<kern::GemmOp, kern::GroupedGemmOp>(product)
      .Case<kern::ExpandedAttentionOp, kern::ExpandLatentsOp, kern::PrefillAttentionOp>(
          [](Operation *) { return all; })
      .Case<kern::LatentAttentionOp>(
          [&](Operation *) { return form() == plan::GpuProduct::FmaTiles ? ofLatents : all; })
      .Case<kern::SampleOp>([](Operation *) { return ofRow; })
      .Default(int64_t(0));
}

std::string launchBounds(const KernelText &kernel) {
  int64_t threads = kernel.field("threads");
  std::string bounds = std::to_string(threads);
  if (int64_t registers = registersToLeave(kernel)) {
    // Without a least number setmaxnreg, which warp groups have, is ignored.
    int64_t blocks = plan::registersOfMultiprocessor / (registers * threads);
    bounds += ", " + std::to_string(std::max<int64_t>(1, blocks));
  }
  return "__launch_bounds__(" + bounds + ")";
}

} // namespace dsv3::cuda
