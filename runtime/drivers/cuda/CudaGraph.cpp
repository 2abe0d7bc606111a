//===- CudaGraph.cpp - a step's launches, replayed at once ----------------===//

#include "runtime/drivers/cuda/CudaGraph.h"

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda;

Expected<std::unique_ptr<CudaGraph>> CudaGraph::capture(std::shared_ptr<const CudaContext> context,
                                                        const std::function<Status()> &order) {
  const DriverApi &api = *context->api;
  std::unique_ptr<CudaGraph> made(new CudaGraph(context));
  Status status = api.check(api.StreamBeginCapture(context->stream, captureThreadLocal),
                            "cannot capture a step");
  if (!status) {
    return status;
  }
  Status ordered = order();
  // Capturing ends in any case.
  status = api.check(api.StreamEndCapture(context->stream, &made->graph), "cannot capture a step");
  status = ordered ? status : ordered;
  status = status ? api.check(api.GraphInstantiateWithFlags(&made->executable, made->graph, 0),
                              "cannot make a graph of a step")
                  : status;
  if (!status) {
    return status;
  }
  return made;
}

CudaGraph::~CudaGraph() {
  context->use();
  if (executable) {
    context->api->GraphExecDestroy(executable);
  }
  if (graph) {
    context->api->GraphDestroy(graph);
  }
}

Result CudaGraph::launch() const { return context->api->GraphLaunch(executable, context->stream); }
