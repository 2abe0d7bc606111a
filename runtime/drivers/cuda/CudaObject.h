//===- CudaObject.h - kernels on a GPU --------------------------*- C++ -*-===//
//
// From a variant's file of kernel texts (dsv3/Plan/GpuKernel.h), or their cubins, to
// functions of the driver.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/GpuKernel.h"
#include "runtime/drivers/cuda/CudaContext.h"
#include "runtime/hal/Device.h"
#include "runtime/jit/KernelCompiler.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime::cuda {

struct CudaKernel {
  Module module = nullptr;
  Function function = nullptr;
  int threads = 0;                        ///< of a block
  plan::GridShape grid;                   ///< blocks
  bool dependent = false;                 ///< may begin before earlier launches have ended
  std::vector<plan::MappedMatrix> mapped; ///< whose tensor maps it gets behind its other parameters
};

/// Unloads its modules when destroyed.
class CudaObject final : public Object {
public:
  /// Fails if the file cannot be read, is not the one of the checksum, lacks a symbol, or
  /// its kernels cannot be compiled or loaded. `options` lacks folder of the bundle and
  /// architecture.
  static Expected<std::unique_ptr<CudaObject>> open(std::shared_ptr<const CudaContext> context,
                                                    const ObjectFile &file,
                                                    std::span<const std::string> symbols,
                                                    KernelCompilerOptions options);
  ~CudaObject() override;

  /// In the order of the symbols.
  std::span<const CudaKernel> kernels() const { return loaded; }

private:
  explicit CudaObject(std::shared_ptr<const CudaContext> context) : context(std::move(context)) {}
  Status load(const plan::KernelText &text, const std::string &cubin, const std::string &path);

  std::shared_ptr<const CudaContext> context;
  std::vector<CudaKernel> loaded;
};

} // namespace dsv3::runtime::cuda
