//===- TensorMismatch.cpp - does a checkpoint suit a plan -----------------===//
#include "runtime/params/TensorMismatch.h"

#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Checkpoint/TensorPatterns.h"
#include "dsv3/Plan/Layout.h"
#include "runtime/params/ParameterReader.h"

#include <algorithm>

namespace dsv3::runtime {

static std::string typesText(std::span<const DType> types) {
  std::string text;
  for (DType type : types) {
    text += (text.empty() ? "" : " or ") + std::string(safetensorsName(type));
  }
  return text;
}

/// Adds what is wrong with the tensor `key`.
static void check(const checkpoint::Checkpoint &checkpoint, const std::string &key,
                  const std::vector<int64_t> &shape, std::span<const DType> types,
                  checkpoint::TensorPatterns &defects) {
  const checkpoint::TensorInfo *found = checkpoint.find(key);
  if (!found) {
    defects.add(key, "is missing");
    return;
  }
  if (found->shape != shape) {
    defects.add(key, "has shape " + checkpoint::shapeText(found->shape) + ", expected " +
                         checkpoint::shapeText(shape));
  }
  if (!found->dtype || std::find(types.begin(), types.end(), *found->dtype) == types.end()) {
    defects.add(key, "has type " + found->dtypeName + ", expected " + typesText(types));
  }
}

Status findMismatches(const plan::Plan &plan, const checkpoint::Checkpoint &checkpoint) {
  checkpoint::TensorPatterns defects;
  auto visit = [&](const TensorRequest &request) {
    std::vector<int64_t> shape{request.rows};
    if (request.columns != 0) {
      shape.push_back(request.columns);
    }
    check(checkpoint, request.key, shape, {&request.type, 1}, defects);
    if (!request.scaleKey.empty()) {
      check(checkpoint, request.scaleKey,
            {plan::ceilDiv(request.rows, request.blockRows),
             plan::ceilDiv(request.columns, request.blockColumns)},
            checkpoint::scaleTypes, defects);
    }
  };
  for (const plan::Parameter &parameter : plan.parameters) {
    std::vector<int64_t> layers = parameter.layers;
    if (layers.empty()) {
      layers.push_back(-1);
    }
    for (int64_t layer : layers) {
      forEachTensor(plan, parameter, layer, visit);
    }
  }
  if (defects.empty()) {
    return {};
  }
  std::string text = "the checkpoint does not hold what the plan was compiled for:";
  for (const std::string &line : defects.lines()) {
    text += "\n  " + line;
  }
  return Failure{text, checkpoint.directory().string(),
                 "compile the bundle again from this checkpoint, or fetch the checkpoint again"};
}

} // namespace dsv3::runtime
