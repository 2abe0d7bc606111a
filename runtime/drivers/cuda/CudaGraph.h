//===- CudaGraph.h - a step's launches, replayed at once --------*- C++ -*-===//
#pragma once

#include "runtime/drivers/cuda/CudaContext.h"

#include <functional>
#include <memory>

namespace dsv3::runtime::cuda {

/// What was ordered in a context's stream once, with the arguments that it had then.
class CudaGraph {
public:
  /// Captures what `order` puts into the stream; nothing of it runs. Fails if `order` does, or if
  /// the driver cannot capture it; the stream is usable afterwards.
  static Expected<std::unique_ptr<CudaGraph>> capture(std::shared_ptr<const CudaContext> context,
                                                      const std::function<Status()> &order);
  CudaGraph(const CudaGraph &) = delete;
  CudaGraph &operator=(const CudaGraph &) = delete;
  ~CudaGraph();

  /// Orders it in the stream again.
  Result launch() const;

private:
  explicit CudaGraph(std::shared_ptr<const CudaContext> context) : context(std::move(context)) {}

  std::shared_ptr<const CudaContext> context;
  Graph graph = nullptr;
  GraphExecutable executable = nullptr;
};

} // namespace dsv3::runtime::cuda
