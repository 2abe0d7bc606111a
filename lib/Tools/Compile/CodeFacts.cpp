//===- CodeFacts.cpp - what NVRTC's code of a kernel takes ----------------===//
#include "CodeFacts.h"

#include "dsv3/Plan/Names.h"
#include "runtime/bundle/CompileCache.h"
#include "runtime/jit/CubinFacts.h"
#include "runtime/jit/KernelCompiler.h"

namespace dsv3::compile {

Expected<CodeFacts> codeFacts(const plan::KernelText &kernel, const std::string &architecture,
                              int32_t capability) {
  runtime::KernelCompilerOptions options;
  options.architecture = architecture;
  if (auto directory = runtime::compileCacheDirectory()) {
    options.cache = *directory / plan::cubinFolderName;
  }
  Expected<runtime::CompiledKernels> compiled = runtime::compileKernels({&kernel, 1}, options);
  if (!compiled) {
    return compiled.failure();
  }
  Expected<runtime::CubinFacts> facts =
      runtime::readCubinFacts(compiled->cubins.front().code, kernel.symbol);
  if (!facts) {
    return facts.failure();
  }
  return CodeFacts{facts->registers, facts->localBytes, facts->staticSharedBytes(capability)};
}

} // namespace dsv3::compile
