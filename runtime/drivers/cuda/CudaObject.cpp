//===- CudaObject.cpp - kernels on a GPU ----------------------------------===//

#include "runtime/drivers/cuda/CudaObject.h"

#include "dsv3/Plan/Chip.h"
#include "dsv3/Plan/Names.h"
#include "runtime/drivers/cuda/CudaDevice.h"
#include "runtime/jit/KernelTexts.h"

#include <filesystem>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda;

CudaObject::~CudaObject() {
  context->use();
  for (const CudaKernel &kernel : loaded) {
    context->api->ModuleUnload(kernel.module);
  }
}

Status CudaObject::load(const plan::KernelText &text, const std::string &cubin,
                        const std::string &path) {
  const DriverApi &api = *context->api;
  Expected<std::vector<plan::MappedMatrix>> mapped = plan::mappedMatricesOf(text);
  if (!mapped) {
    return mapped.status();
  }
  Expected<plan::GridShape> grid = plan::gridShapeOf(text);
  if (!grid) {
    return grid.status();
  }
  CudaKernel kernel;
  kernel.grid = *grid;
  kernel.dependent = plan::isDependent(text);
  kernel.mapped = *std::move(mapped);
  std::string what = "cannot load the kernel '" + text.symbol + "' on " + context->name;
  Result result = api.ModuleLoadData(&kernel.module, cubin.data());
  if (result == noBinaryForGpu || result == invalidImage) {
    return Failure{what + ": its code is not for this GPU, of compute capability " +
                       context->capabilityText() + " (" + api.nameOf(result) + ")",
                   path, "compile the bundle again with dsv3-compile --target=cuda --arch=… on it"};
  }
  if (Status status = api.check(result, what); !status) {
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
  Expected<std::vector<plan::KernelText>> texts =
      readKernelTexts(file.path, file.checksum, symbols);
  if (!texts) {
    return texts.failure();
  }
  std::filesystem::path path = file.path;
  options.bundled = path.parent_path() / plan::cubinFolderName;
  options.architecture = plan::architectureFor(path.stem().string(), context->capability);
  Expected<CompiledKernels> compiled = compileKernels(*texts, options);
  if (!compiled) {
    return compiled.failure();
  }
  context->use();
  std::unique_ptr<CudaObject> object(new CudaObject(std::move(context)));
  for (size_t i = 0; i < texts->size(); ++i) {
    if (Status status = object->load((*texts)[i], compiled->cubins[i].code, file.path); !status) {
      return status;
    }
  }
  return object;
}
