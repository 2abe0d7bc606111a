//===- CudaStopwatch.h - how long work of a stream takes --------*- C++ -*-===//
#pragma once

#include "runtime/drivers/cuda/CudaContext.h"

#include <functional>
#include <memory>

namespace dsv3::runtime::cuda {

/// What a GPU's caches hold when work begins that is measured.
enum class CachesBefore {
  AsLeft, ///< what earlier work left there; the time has the host's in it, to launch
  /// Nothing of use: more bytes than they hold are written. That takes the GPU long enough for the
  /// host to order the work meanwhile, so that the time is the GPU's alone.
  Emptied,
};

/// Measures by events around the work.
class CudaStopwatch {
public:
  /// Fails if the GPU lacks memory for it.
  static Expected<std::unique_ptr<CudaStopwatch>> create(std::shared_ptr<const CudaContext> context,
                                                         CachesBefore caches);
  CudaStopwatch(const CudaStopwatch &) = delete;
  CudaStopwatch &operator=(const CudaStopwatch &) = delete;
  ~CudaStopwatch();

  /// Seconds between the events around what `order` puts into the context's stream, once that is
  /// done. Fails as `order` does, or without a place where the driver reports an error.
  Expected<double> measure(const std::function<Status()> &order) const;

private:
  explicit CudaStopwatch(std::shared_ptr<const CudaContext> context)
      : context(std::move(context)) {}

  std::shared_ptr<const CudaContext> context;
  Event before = nullptr, after = nullptr;
  DevicePointer written = 0; ///< to empty the caches; 0: they stay as they are
};

} // namespace dsv3::runtime::cuda
