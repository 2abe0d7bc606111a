//===- KernelRules.h - what must hold of a compiled GPU kernel --*- C++ -*-===//
//
// Checks the code that NVRTC made of a kernel, without running it: what is slow or refused by a
// GPU for reasons that the code itself shows, or that NVRTC said when it made it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/GpuKernel.h"
#include "runtime/jit/CubinFacts.h"

#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

/// Kernels that a model may have at most, of each variant: what is compiled before its first token.
inline constexpr size_t mostKernels = 60;

/// What the plan says of a kernel.
struct PlannedKernel {
  plan::Family family;
  int64_t sharedBytes; ///< dynamic, of a block
};

/// What is wrong with a kernel's code for `variant`, a clause each:
/// - registers beyond the budget of family and form, or more than a multiprocessor has for the
///   block;
/// - local memory, in products and attention, whose loops wait for it: more than one value that is
///   put away for their time;
/// - shared memory beyond what a block of the GPU has, or static;
/// - global memory that is touched before earlier launches are waited for, by a kernel that may
///   begin before they have ended;
/// - no instructions of tensor cores, asynchronous copies, tensor stores or changes of registers,
///   where the text asks for a form that is made of them: they were left out or ignored;
/// - a sentence of NVRTC's log that warns, says that products of warp groups wait for each other
///   (ptxas serialises them, or injects fences and waits, where registers of their sums are touched
///   between them), or that a change of registers is ignored. Of sentences that differ in numbers
///   alone the first stands for all.
std::vector<std::string> kernelFaults(const plan::KernelText &text, const PlannedKernel &planned,
                                      const plan::GpuVariant &variant, const CubinFacts &facts,
                                      std::string_view log);

} // namespace dsv3::runtime
