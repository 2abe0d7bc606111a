//===- LaunchNeeds.h - the least that a launch of a kernel does -*- C++ -*-===//
#pragma once

#include "Kernel/Kernel.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Plan.h"
#include "dsv3/Plan/StepCost.h"

#include "mlir/Support/LLVM.h"

namespace dsv3::compile {

/// What a launch must move and compute whatever the code: the bytes of each argument once, those of
/// weights, their scales and the cache as StepCost.h counts them, and the multiplications and
/// additions of products and attention, two for each pair. Other operations are not counted.
struct LaunchNeeds {
  double weightBytes = 0;     ///< with scales
  double cacheBytes = 0;      ///< read; of rope_append written
  double activationBytes = 0; ///< read and written
  double flops = 0;

  double bytes() const { return weightBytes + cacheBytes + activationBytes; }
};

/// The most that size `name` of a kernel can be; 1 where the kernel has no such size.
int64_t mostOf(kern::DefOp definition, llvm::StringRef name);

/// Of one launch of `definition`, of phase configured, in a step. `plan` is that of its module,
/// `variant` an index of the plan's variants. Of experts as many distinct ones are read as even
/// choice gives on average. Nothing if no entry launches the kernel.
std::optional<LaunchNeeds> launchNeeds(kern::DefOp definition, const plan::KernelFacts &facts,
                                       const plan::Plan &plan, size_t variant,
                                       plan::StepShape step);

} // namespace dsv3::compile
