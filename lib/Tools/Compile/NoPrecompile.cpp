//===- NoPrecompile.cpp - a compiler that was built alone -----------------===//
#include "Precompile.h"

namespace dsv3::compile {

Status precompile(const std::vector<plan::KernelText> &, const std::string &,
                  const std::filesystem::path &) {
  return Failure{"this dsv3-compile was built without the runtime, which calls NVRTC",
                 "--precompile", "leave it out: dsv3-run compiles the kernels when it loads them"};
}

} // namespace dsv3::compile
