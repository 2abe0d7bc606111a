//===- tokens.cuh - the tokens of a block that attends ----------*- C++ -*-===//
//
// Some tokens of the step, which may belong to several requests, and the pages of the
// latent cache that they see. Positions and requests come from outside and are checked.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/tile/cache.cuh"

namespace dsv3::gpu {

template <int tokens, int threads, typename C>
struct BlockTokens {
  /// Numbers in shared memory.
  static constexpr int numbers = 2 * tokens + 1;

  Launch launch;
  C cache;
  int64 first; ///< of the step's tokens
  int count;
  int *position, *request, *wrong;

  __device__ BlockTokens(Launch launch, C cache, int64 first, int64 allTokens, SharedArrays &shared)
      : launch(launch), cache(cache), first(first), position(shared.take<int>(tokens)),
        request(shared.take<int>(tokens)), wrong(shared.take<int>(1)) {
    int64 left = allTokens - first;
    count = int(left < tokens ? left : tokens);
  }

  /// False, for all threads, if a token's position or request cannot be right.
  __device__ bool load(const int32 *positions, const int32 *requests) {
    if (threadIndex() == 0) {
      *wrong = 0;
    }
    syncBlock();
    for (int t = threadIndex(); t < count; t += threads) {
      position[t] = positions[first + t];
      request[t] = requests[first + t];
      if (!cache.checked(launch, position[t], request[t])) {
        *wrong = 1;
      }
    }
    syncBlock();
    return *wrong == 0;
  }

  /// Keys of the page from position `start` on that token t sees, of request `r`.
  __device__ int visible(int t, int r, int start) const {
    if (t >= count) {
      return 0;
    }
    int left = position[t] + 1 - start;
    left = left < C::pageTokens ? left : C::pageTokens;
    return request[t] == r && left > 0 ? left : 0;
  }

  /// visit(page, known, request, start) for the pages that any of the tokens sees: `known` keys of
  /// a request from position `start` on. False if a page is not there.
  template <typename Visit>
  __device__ bool forPages(const Visit &visit) const {
    for (int t = 0; t < count; ++t) {
      int last = lastOf(t);
      for (int p = 0; last >= 0 && p <= last / C::pageTokens; ++p) {
        const auto *page = cache.page(launch, request[t], p);
        if (!page) {
          return false;
        }
        int start = p * C::pageTokens, left = last + 1 - start;
        visit(page, left < C::pageTokens ? left : C::pageTokens, request[t], start);
      }
    }
    return true;
  }

protected:
  /// The last position of token t's request in the block; -1 if an earlier token has the request.
  __device__ int lastOf(int t) const {
    int last = -1;
    for (int other = 0; other < count; ++other) {
      if (request[other] == request[t]) {
        if (other < t) {
          return -1;
        }
        last = position[other] > last ? position[other] : last;
      }
    }
    return last;
  }
};

} // namespace dsv3::gpu
