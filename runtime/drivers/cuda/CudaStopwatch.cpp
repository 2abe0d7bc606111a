//===- CudaStopwatch.cpp - how long work of a stream takes ----------------===//

#include "runtime/drivers/cuda/CudaStopwatch.h"

#include "dsv3/Support/BytesText.h"

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda;

/// Twice the largest L2 (126 MiB of a B200), and about 100 us of an H100's memory, in which the
/// host orders two events and a launch.
static constexpr size_t writtenBytes = size_t(256) << 20;

Expected<std::unique_ptr<CudaStopwatch>>
CudaStopwatch::create(std::shared_ptr<const CudaContext> context, CachesBefore caches) {
  const DriverApi &api = *context->api;
  context->use();
  std::unique_ptr<CudaStopwatch> made(new CudaStopwatch(context));
  Status status = api.check(api.EventCreate(&made->before, 0), "cannot measure");
  status = status ? api.check(api.EventCreate(&made->after, 0), "cannot measure") : status;
  if (status && caches == CachesBefore::Emptied) {
    status = api.check(api.MemAlloc(&made->written, writtenBytes),
                       "cannot reserve " + bytesText(writtenBytes) + " to empty the caches of " +
                           context->name);
  }
  if (!status) {
    return status;
  }
  return made;
}

CudaStopwatch::~CudaStopwatch() {
  context->use();
  context->api->StreamSynchronize(context->stream);
  for (Event event : {before, after}) {
    if (event) {
      context->api->EventDestroy(event);
    }
  }
  if (written) {
    context->api->MemFree(written);
  }
}

Expected<double> CudaStopwatch::measure(const std::function<Status()> &order) const {
  const DriverApi &api = *context->api;
  const char *what = "cannot measure";
  Status status;
  if (written) {
    status = api.check(api.MemsetD8Async(written, 0, writtenBytes, context->stream), what);
  }
  status = status ? api.check(api.EventRecord(before, context->stream), what) : status;
  status = status ? order() : status;
  status = status ? api.check(api.EventRecord(after, context->stream), what) : status;
  status = status ? api.check(api.EventSynchronize(after), what) : status;
  float milliseconds = 0;
  status = status ? api.check(api.EventElapsedTime(&milliseconds, before, after), what) : status;
  return status ? Expected<double>(double(milliseconds) / 1000) : status.failure();
}
