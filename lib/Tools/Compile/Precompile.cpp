//===- Precompile.cpp - cubins beside the text of kernels -----------------===//
//
// The folder of cubins in a bundle is one as the runtime's cache is.
//
//===----------------------------------------------------------------------===//
#include "Precompile.h"

#include "runtime/base/KeyLock.h"
#include "runtime/jit/KernelCompiler.h"

namespace dsv3::compile {

Status precompile(const std::vector<plan::KernelText> &kernels, const std::string &architecture,
                  const std::filesystem::path &folder) {
  runtime::KernelCompilerOptions options;
  options.architecture = architecture;
  options.cache = folder;
  std::string problem;
  options.say = [&](const std::string &text) {
    problem = text.starts_with("note: ") ? text : problem;
  };
  Expected<runtime::CompiledKernels> compiled = runtime::compileKernels(kernels, options);
  if (!compiled) {
    return compiled.status();
  }
  std::error_code ignored; // nobody else compiles into a bundle
  std::filesystem::remove(folder / runtime::KeyLock::fileName, ignored);
  return problem.empty()
             ? Status()
             : Failure{problem, folder.string(),
                       "the bundle must lie where files can be written; or leave --precompile out"};
}

} // namespace dsv3::compile
