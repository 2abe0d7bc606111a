//===- NoRuntime.cpp - a compiler that was built alone --------------------===//
#include "CodeFacts.h"
#include "Precompile.h"

namespace dsv3::compile {

static constexpr const char *lacking =
    "this dsv3-compile was built without the runtime, which calls NVRTC";

Status precompile(const std::vector<plan::KernelText> &, const std::string &,
                  const std::filesystem::path &) {
  return Failure{lacking, "--precompile",
                 "leave it out: dsv3-run compiles the kernels when it loads them"};
}

Expected<CodeFacts> codeFacts(const plan::KernelText &, const std::string &, int32_t) {
  return Failure{lacking};
}

} // namespace dsv3::compile
