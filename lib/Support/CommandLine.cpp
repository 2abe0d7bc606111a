//===- CommandLine.cpp - what the command lines of all tools share --------===//
#include "dsv3/Support/CommandLine.h"

namespace dsv3 {

std::string versionText(std::string_view tool) { return std::string(tool) + " " + DSV3_VERSION; }

std::string refuseEmpty(const std::string &value) {
  return value.empty() ? "expected a value, found an empty one; leave the option out" : "";
}

} // namespace dsv3
