//===- CudaObject.cpp - kernels on a GPU ----------------------------------===//

#include "runtime/drivers/cuda/CudaObject.h"

#include "dsv3/Plan/Names.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"
#include "runtime/drivers/cuda/CudaDevice.h"

#include <algorithm>
#include <filesystem>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda;

static constexpr size_t mostTextBytes = size_t(64) << 20;
static constexpr const char *compileAgain = "compile the bundle again with dsv3-compile";

/// The texts of the symbols, in their order.
static Expected<std::vector<plan::KernelText>> textsOf(const ObjectFile &file,
                                                       std::span<const std::string> symbols) {
  Expected<std::string> bytes = readFile(file.path, mostTextBytes);
  if (!bytes) {
    return bytes.failure();
  }
  if (std::string checksum = hash128(*bytes).hex(); checksum != file.checksum) {
    return Failure{"expected kernels with checksum " + file.checksum + ", found " + checksum,
                   file.path, compileAgain};
  }
  Expected<std::vector<plan::KernelText>> all = plan::splitKernelTexts(*bytes, file.path);
  if (!all) {
    return all.failure();
  }
  std::vector<plan::KernelText> texts;
  for (const std::string &symbol : symbols) {
    auto found = std::ranges::find(*all, symbol, &plan::KernelText::symbol);
    if (found == all->end()) {
      return Failure{"expected a kernel '" + symbol + "', found none of this name", file.path,
                     compileAgain};
    }
    texts.push_back(*found);
  }
  return texts;
}

CudaObject::~CudaObject() {
  context->use();
  for (const CudaKernel &kernel : loaded) {
    context->api->ModuleUnload(kernel.module);
  }
}

Status CudaObject::load(const plan::KernelText &text, const std::string &cubin) {
  const DriverApi &api = *context->api;
  CudaKernel kernel;
  std::string what = "cannot load the kernel '" + text.symbol + "' on " + context->name;
  if (Status status = api.check(api.ModuleLoadData(&kernel.module, cubin.data()), what); !status) {
    return status;
  }
  loaded.push_back(kernel); // unloaded from here on
  std::string name = plan::gpuFunctionName(text.symbol);
  Status status =
      api.check(api.ModuleGetFunction(&loaded.back().function, kernel.module, name.c_str()), what);
  return status ? api.check(api.FuncGetAttribute(&loaded.back().threads, functionMaxThreads,
                                                 loaded.back().function),
                            what)
                : status;
}

Expected<std::unique_ptr<CudaObject>> CudaObject::open(std::shared_ptr<const CudaContext> context,
                                                       const ObjectFile &file,
                                                       std::span<const std::string> symbols,
                                                       KernelCompilerOptions options) {
  Expected<std::vector<plan::KernelText>> texts = textsOf(file, symbols);
  if (!texts) {
    return texts.failure();
  }
  std::filesystem::path path = file.path;
  options.bundled = path.parent_path() / plan::cubinFolderName;
  options.architecture = architectureFor(path.stem().string(), context->capability);
  Expected<CompiledKernels> compiled = compileKernels(*texts, options);
  if (!compiled) {
    return compiled.failure();
  }
  context->use();
  std::unique_ptr<CudaObject> object(new CudaObject(std::move(context)));
  for (size_t i = 0; i < texts->size(); ++i) {
    if (Status status = object->load((*texts)[i], compiled->cubins[i]); !status) {
      return status;
    }
  }
  return object;
}
