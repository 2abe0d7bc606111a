//===- Activations.cpp - what rows of products can be narrowed to ---------===//
#include "dsv3/Plan/Activations.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Support/Choices.h"

namespace dsv3::plan {

Status checkActivations(const std::string &policy, const std::string &activations,
                        const std::string &weights) {
  std::optional<DType> type = activationsFromName(activations);
  if (!type) {
    return Failure{refuseOther(activationNames, activations), "--activations",
                   "leave it out for f32, which is exact"};
  }
  if (type != DType::F32 && policy != "f32") {
    return Failure{"policy " + policy + " has activations of its own, but " + activations +
                       " was asked for",
                   "--activations", "leave it out, or take policy f32"};
  }
  if (type == DType::I8 && weights != "int8" && weights != "int4") {
    return Failure{"int8 activations are multiplied with weights of int8 or int4, found " +
                       (weights.empty() ? "weights as they are stored" : "weights of " + weights),
                   "--activations", "add --weights=int8 or --weights=int4"};
  }
  if (type == DType::BF16 && !weights.empty() && weights != "bf16") {
    return Failure{"bf16 activations are multiplied with weights of bf16, found weights of " +
                       weights,
                   "--activations", "take --weights=bf16, or --activations=int8"};
  }
  return {};
}

} // namespace dsv3::plan
