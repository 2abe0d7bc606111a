//===- Key.cpp - keys of tensors with a layer and an expert ---------------===//
#include "dsv3/Plan/Key.h"

#include <utility>

using namespace dsv3;

std::string plan::expandKey(std::string_view key, int64_t layer, int64_t group) {
  std::string result(key);
  for (auto [mark, number] : {std::pair(layerMark, layer), std::pair(expertMark, group)}) {
    if (size_t at = result.find(mark); at != std::string::npos) {
      result.replace(at, mark.size(), std::to_string(number));
    }
  }
  return result;
}
