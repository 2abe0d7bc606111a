//===- rope_append.cuh - kern.rope_append: a token a block ------*- C++ -*-===//
//
// Turns the token's queries; norms its latent, turns its key, and appends both to the
// cache.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/cache.cuh"
#include "runtime/kernels/cuda/tile/reduce.cuh"

namespace dsv3::gpu {

inline constexpr int ropeAppendSharedBytes = blockSumBytes;

/// to[2i], to[2i + 1] = the pair from[2i], from[2i + 1] turned by angle i.
template <typename From, typename To>
__device__ inline void turnPair(const From *from, To *to, float cosine, float sine) {
  float x = toFloat(from[0]), y = toFloat(from[1]);
  to[0] = toNarrow<To>(x * cosine - y * sine);
  to[1] = toNarrow<To>(x * sine + y * cosine);
}

template <int heads, int threads, typename C, typename Query, typename Kv, typename W, typename Out>
__device__ inline void ropeAppend(Launch launch, Query query, Kv kv, const W *weight,
                                  const float *cosines, const float *sines, const int32 *positions,
                                  const int32 *requests, C cache, Out out, float eps) {
  if (launch.stopped()) {
    return;
  }
  constexpr int pairs = C::rope / 2;
  int64 row = blockIndex();
  const float *cosine = cosines + row * pairs, *sine = sines + row * pairs;
  for (int i = threadIndex(); i < heads * pairs; i += threads) {
    int head = i / pairs, pair = i % pairs;
    turnPair(query.at(row, head) + 2 * pair, out.at(row, head) + 2 * pair, cosine[pair],
             sine[pair]);
  }
  int position = positions[row], request = requests[row];
  if (!cache.checked(launch, position, request)) {
    return;
  }
  auto *page = cache.page(launch, request, position / C::pageTokens);
  if (!page) {
    return;
  }
  auto *to = page + position % C::pageTokens * C::width;
  const auto *from = kv.at(row);
  float own = 0.0f;
  for (int i = threadIndex(); i < C::latent; i += threads) {
    float x = toFloat(from[i]);
    own = multiplyAdd(x, x, own);
  }
  float sum = blockSum<threads>(own, reinterpret_cast<float *>(sharedMemory()));
  float scale = quotient(1.0f, squareRoot(quotient(sum, float(C::latent)) + eps));
  for (int i = threadIndex(); i < C::latent; i += threads) {
    to[i] = toNarrow<typename C::Element>(toFloat(from[i]) * scale * toFloat(weight[i]));
  }
  for (int i = threadIndex(); i < pairs; i += threads) {
    turnPair(from + C::latent + 2 * i, to + C::latent + 2 * i, cosine[i], sine[i]);
  }
}

} // namespace dsv3::gpu
