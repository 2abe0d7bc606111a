//===- cache.cuh - the latent cache of a layer, by pages --------*- C++ -*-===//
//
// Pages [pageTokens][latent + rope] and the page table [requests][pages of the context].
// Positions and requests come from outside and are checked; how many pages there are is
// not known here, one that is not there is negative.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/failure.cuh"
#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

template <typename T, int latentColumns, int ropeColumns, int tokensOfPage, int64 context,
          int requestCount>
struct Cache {
  using Element = T;
  static constexpr int latent = latentColumns, rope = ropeColumns, width = latent + rope;
  static constexpr int pageTokens = tokensOfPage;
  static constexpr int requests = requestCount;
  static constexpr int64 pagesOfRequest = ceilDiv(context, pageTokens);

  T *pages;
  const int32 *table;

  /// Whether position and request of a token can be right; says so if not.
  __device__ bool checked(Launch launch, int position, int request) const {
    return launch.checked(position, context) && launch.checked(request, requests);
  }
  /// The page that holds the tokens of `request` from `index * pageTokens` on; null, after it was
  /// reported, if the table has none.
  __device__ T *page(Launch launch, int request, int64 index) const {
    int32 number = table[request * pagesOfRequest + index];
    return launch.checked(number, 0x7fffffff) ? pages + int64(number) * (pageTokens * width)
                                              : nullptr;
  }
};

} // namespace dsv3::gpu
