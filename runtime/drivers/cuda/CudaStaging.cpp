//===- CudaStaging.cpp - large copies to a GPU ----------------------------===//

#include "runtime/drivers/cuda/CudaStaging.h"

#include <algorithm>
#include <cstring>

using namespace dsv3;
using namespace dsv3::runtime;
using namespace dsv3::runtime::cuda;

static constexpr const char *cannotCopy = "cannot copy to the GPU";

CudaStaging::~CudaStaging() { release(); }

void CudaStaging::release() {
  context->use();
  const DriverApi &api = *context->api;
  api.StreamSynchronize(context->stream);
  for (Piece &piece : pieces) {
    if (piece.read) {
      api.EventDestroy(piece.read);
    }
    if (piece.memory) {
      api.MemFreeHost(piece.memory);
    }
    piece = {};
  }
}

bool CudaStaging::reserve() {
  const DriverApi &api = *context->api;
  for (Piece &piece : pieces) {
    void *memory = piece.memory;
    refused = refused || (!memory && api.MemHostAlloc(&memory, pieceBytes, 0) != success) ||
              (!piece.read && api.EventCreate(&piece.read, eventToSleepFor) != success);
    piece.memory = static_cast<std::byte *>(memory);
  }
  if (refused) {
    release();
  }
  return !refused;
}

Status CudaStaging::copy(DevicePointer to, std::span<const std::byte> from) {
  const DriverApi &api = *context->api;
  if (from.size() < leastBytes || refused || !reserve()) {
    // From pageable memory this returns once `from` was read; the stream keeps the order.
    return api.check(api.MemcpyHtoDAsync(to, from.data(), from.size(), context->stream),
                     cannotCopy);
  }
  for (size_t at = 0; at < from.size(); at += pieceBytes) {
    auto part = from.subspan(at, std::min(pieceBytes, from.size() - at));
    Piece &piece = pieces[next++ % pieces.size()];
    if (piece.used) {
      if (Status read = api.check(api.EventSynchronize(piece.read), cannotCopy); !read) {
        return read;
      }
    }
    std::memcpy(piece.memory, part.data(), part.size());
    Status copied = api.check(
        api.MemcpyHtoDAsync(to + at, piece.memory, part.size(), context->stream), cannotCopy);
    if (copied) {
      copied = api.check(api.EventRecord(piece.read, context->stream), cannotCopy);
    }
    if (!copied) {
      return copied;
    }
    piece.used = true;
  }
  return {};
}
