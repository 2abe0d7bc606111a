//===- ExplainGpu.h - a kernel on a GPU: occupancy and roofline -*- C++ -*-===//
#pragma once

#include "Kernel/Kernel.h"
#include "dsv3/Plan/Chip.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dsv3::compile {

/// --explain and what goes with it, as they were given.
struct ExplainFlags {
  std::string kernel; ///< its name, with or without @; empty: nothing is explained
  std::string chip;   ///< empty: the first that suits the variant
  std::optional<int64_t> tokens, depth; ///< of the step that the roofline is for
};

/// Fails where they do not go together, or the chip is unknown or runs code of none of the
/// variants.
Status checkExplain(const ExplainFlags &flags, const std::vector<std::string> &variants);

/// A kernel as it is compiled for one kind of GPU.
struct GpuKernelChoice {
  kern::DefOp definition; ///< of phase configured
  const plan::KernelFacts &facts;
  const plan::GpuVariant &variant;
  const plan::Configuration &chosen;
};

/// The lines on threads, registers and memory of its code, on blocks of a multiprocessor of the
/// chip, and on the roofline there. Registers and local memory are those of NVRTC's code; without
/// NVRTC a line says so. Fails where the flags ask for a step that the kernel is not launched in.
/// `plan` is that of the definition's module.
Expected<std::string> gpuLines(const GpuKernelChoice &kernel, const plan::Plan &plan,
                               const ExplainFlags &flags);

/// "name         value", a line.
std::string explanationLine(llvm::StringRef name, const std::string &value);

} // namespace dsv3::compile
