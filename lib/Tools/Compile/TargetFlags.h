//===- TargetFlags.h - which machines code is made for ----------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"

#include <string>
#include <vector>

namespace dsv3::compile {

/// --target, --variant, --arch, --tensor-cores, --weights-in-place, --precompile and --line-info,
/// as they were given.
struct TargetFlags {
  std::vector<std::string> targets{"cpu"}, variants, architectures;
  std::string tensorCores, weightsInPlace; ///< empty: as PipelineOptions has it
  bool precompile = false;
  bool lineInfo = false;
};

/// The variants that the flags ask for with activations of that name. Fails with what is unknown,
/// asked for twice, or does not go together.
Expected<std::vector<std::string>> wantedVariants(const TargetFlags &flags,
                                                  const std::string &activations);

} // namespace dsv3::compile
