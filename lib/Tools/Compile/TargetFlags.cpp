//===- TargetFlags.cpp - which machines code is made for ------------------===//
#include "TargetFlags.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Choices.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"

namespace dsv3::compile {

/// What --target takes.
static constexpr const char *targetCpu = "cpu", *targetCuda = "cuda";

/// "sm_80 or sm_90a": the names of variants.
template <typename Variants>
static std::string listOf(const Variants &variants) {
  std::string known;
  for (const auto &variant : variants) {
    known += known.empty() ? "" : " or ";
    known += variant.name;
  }
  return known;
}

/// That each of `names` is one of `variants`, and there once.
template <typename Variants>
static Status checkNames(const char *flag, llvm::ArrayRef<std::string> names,
                         const Variants &variants, const char *hint) {
  for (const std::string &name : names) {
    if (llvm::none_of(variants, [&](const auto &known) { return known.name == name; })) {
      return Failure{"expected " + listOf(variants) + ", found " + name, flag, hint};
    }
    if (llvm::count(names, name) > 1) {
      return Failure{"expected each variant once, found " + name + " again", flag,
                     "leave one of them out"};
    }
  }
  return {};
}

Expected<std::vector<std::string>> wantedVariants(const TargetFlags &flags,
                                                  const std::string &activations) {
  for (const std::string &target : flags.targets) {
    if (target != targetCpu && target != targetCuda) {
      return Failure{"expected cpu, cuda or cpu,cuda, found " + target, "--target",
                     "leave it out for CPUs"};
    }
  }
  bool cpu = llvm::is_contained(flags.targets, targetCpu);
  bool cuda = llvm::is_contained(flags.targets, targetCuda);
  Status known = checkNames("--variant", flags.variants, plan::cpuVariants(),
                            "leave it out for code that runs on every CPU from x86-64-v3 on");
  known = known ? checkNames("--arch", flags.architectures, plan::gpuVariants(),
                             "an H100 or H200 is sm_90a")
                : known;
  if (!known) {
    return known;
  }
  if (!cpu && !flags.variants.empty()) {
    return Failure{"names CPUs, but there is to be code for GPUs alone", "--variant",
                   "leave it out, or give --target=cpu,cuda"};
  }
  if (cuda == flags.architectures.empty() || (flags.precompile && !cuda)) {
    return Failure{cuda ? "expected the GPUs to make code for"
                        : "there is to be code for CPUs alone",
                   cuda || !flags.architectures.empty() ? "--arch" : "--precompile",
                   cuda ? "--arch=" + std::string(plan::gpuVariants().front().name) + ", or " +
                              listOf(plan::gpuVariants().subspan(1))
                        : "give --target=cuda, or --target=cpu,cuda"};
  }
  if (!cuda && flags.lineInfo) {
    return Failure{"there is to be code for CPUs alone, which has no lines of a text",
                   "--line-info", "give --target=cuda, or --target=cpu,cuda"};
  }
  std::string unknown =
      flags.weightsInPlace.empty() ? "" : refuseOther(plan::inPlaceNames, flags.weightsInPlace);
  if (!unknown.empty()) {
    return Failure{unknown, "--weights-in-place", "leave it out for those of experts"};
  }
  if (!cpu && !flags.weightsInPlace.empty()) {
    return Failure{"GPUs have weights in memory of their own", "--weights-in-place",
                   "leave it out, or give --target=cpu,cuda"};
  }
  if (!flags.tensorCores.empty() && !plan::warpGroupsFromName(flags.tensorCores)) {
    return Failure{"expected mma or wgmma, found " + flags.tensorCores, "--tensor-cores",
                   "leave it out for what suits the GPU best"};
  }
  if (!cuda && !flags.tensorCores.empty()) {
    return Failure{"there is to be code for CPUs alone, which have none", "--tensor-cores",
                   "leave it out, or give --target=cuda, or --target=cpu,cuda"};
  }
  if (flags.tensorCores == "wgmma" &&
      !llvm::is_contained(flags.architectures, plan::variantSm90a)) {
    return Failure{"wgmma is there on an H100 or H200 alone", "--tensor-cores",
                   "give --target=cuda --arch=" + std::string(plan::variantSm90a) +
                       ", or leave it out"};
  }
  DType rows = plan::activationsFromName(activations).value_or(DType::F32);
  if (cuda && rows != DType::F32) {
    return Failure{"GPUs have no code for " + activations + " activations under policy f32",
                   "--activations", "leave it out, or take --target=cpu"};
  }
  std::vector<std::string> variants = flags.variants;
  if (cpu && variants.empty()) {
    variants = plan::variantsFor(rows);
  }
  variants.insert(variants.end(), flags.architectures.begin(), flags.architectures.end());
  return variants;
}

} // namespace dsv3::compile
