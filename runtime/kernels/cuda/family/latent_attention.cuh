//===- latent_attention.cuh - kern.latent_attention -------------*- C++ -*-===//
//
// Absorbed attention over the paged latents: a block has a token and some of its heads,
// which share each read of the cache. Keys that the token does not see are not touched.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/cache.cuh"
#include "runtime/kernels/cuda/tile/softmax.cuh"

namespace dsv3::gpu {

template <int heads, typename C>
struct LatentShared {
  using Scores = Softmax<heads, C::pageTokens>;
  static constexpr int bytes = (heads * C::width + Scores::floats) * 4;
};

/// `heads` of `allHeads` a block.
template <int heads, int allHeads, int threads, typename C, typename Query, typename RopeQuery,
          typename Out>
__device__ inline void latentAttention(Launch launch, Query query, RopeQuery ropeQuery,
                                       const int32 *positions, const int32 *requests, C cache,
                                       Out out, float scale) {
  static_assert(allHeads % heads == 0, "whole blocks of heads");
  constexpr int warps = threads / warpLanes;
  constexpr int perThread = int(ceilDiv(C::latent, threads));
  if (launch.stopped()) {
    return;
  }
  int64 row = blockIndex() / (allHeads / heads);
  int firstHead = int(blockIndex() % (allHeads / heads)) * heads;
  int position = positions[row], request = requests[row];
  if (!cache.checked(launch, position, request)) {
    return;
  }
  SharedArrays shared;
  auto *queries = shared.take<float>(heads * C::width);
  typename LatentShared<heads, C>::Scores softmax(shared);
  for (int i = threadIndex(); i < heads * C::width; i += threads) {
    int h = i / C::width, column = i % C::width;
    queries[i] = column < C::latent ? toFloat(query.at(row, firstHead + h)[column])
                                    : toFloat(ropeQuery.at(row, firstHead + h)[column - C::latent]);
  }
  for (int h = threadIndex(); h < heads; h += threads) {
    softmax.begin(h);
  }
  syncBlock();
  float values[heads][perThread] = {};
  for (int64 p = 0; p <= position / C::pageTokens; ++p) {
    const auto *page = cache.page(launch, request, p);
    if (!page) {
      return;
    }
    int left = position + 1 - int(p) * C::pageTokens;
    int visible = left < C::pageTokens ? left : C::pageTokens;
    for (int j = warpIndex(); j < visible; j += warps) {
      float sums[heads] = {};
      for (int i = laneIndex(); i < C::width; i += warpLanes) {
        float key = toFloat(page[j * C::width + i]);
        for (int h = 0; h < heads; ++h) {
          sums[h] = multiplyAdd(queries[h * C::width + i], key, sums[h]);
        }
      }
      for (int h = 0; h < heads; ++h) {
        float sum = warpSum(sums[h]);
        if (laneIndex() == 0) {
          softmax.scoresOf(h)[j] = sum * scale;
        }
      }
    }
    syncBlock();
    for (int h = warpIndex(); h < heads; h += warps) {
      softmax.update(h, visible);
    }
    syncBlock();
    for (int c = 0; c < perThread; ++c) {
      int i = threadIndex() + c * threads;
      if (i < C::latent) {
        for (int h = 0; h < heads; ++h) {
          values[h][c] *= softmax.before[h];
        }
        for (int j = 0; j < visible; ++j) {
          float value = toFloat(page[j * C::width + i]);
          for (int h = 0; h < heads; ++h) {
            values[h][c] = multiplyAdd(softmax.scoresOf(h)[j], value, values[h][c]);
          }
        }
      }
    }
    syncBlock();
  }
  for (int c = 0; c < perThread; ++c) {
    int i = threadIndex() + c * threads;
    if (i < C::latent) {
      for (int h = 0; h < heads; ++h) {
        auto *to = out.at(row, firstHead + h) + i;
        *to = toNarrow<typename Out::Element>(values[h][c] * quotient(1.0f, softmax.sum[h]));
      }
    }
  }
}

} // namespace dsv3::gpu
