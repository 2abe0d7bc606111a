//===- latent_attention.cuh - latent_attention, attention_combine -*- C++ -*-===//
//
// Absorbed attention over the paged latents: a block has a token, some of its heads, which
// share each read of the cache, and a part of the keys. Keys that the token does not see are
// not touched. Another kernel makes the attention of the parts.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/keys.cuh"
#include "runtime/kernels/cuda/tile/softmax.cuh"

namespace dsv3::gpu {

template <int heads, typename C>
struct LatentShared {
  using Scores = Softmax<heads, C::pageTokens>;
  static constexpr int bytes = (heads * C::width + Scores::floats) * 4;
};

/// `heads` of `allHeads` a block, and one of `parts` of the keys; with no parts `out` is the
/// attention itself.
template <int heads, int allHeads, int parts, int leastPages, int threads, typename C,
          typename Query, typename RopeQuery, typename Out>
__device__ inline void latentAttention(Launch launch, Query query, RopeQuery ropeQuery,
                                       const int32 *positions, const int32 *requests, C cache,
                                       Out out, float scale) {
  static_assert(allHeads % heads == 0, "whole blocks of heads");
  constexpr int warps = threads / warpLanes;
  constexpr int perThread = int(ceilDiv(C::latent, threads));
  if (launch.stopped()) {
    return;
  }
  BlockKeys<heads, allHeads, parts, leastPages, C> of(launch, cache, positions, requests);
  if (!of.checked() || of.leftNothing(out, threads)) {
    return;
  }
  SharedArrays shared;
  auto *queries = shared.take<float>(heads * C::width);
  typename LatentShared<heads, C>::Scores softmax(shared);
  for (int i = threadIndex(); i < heads * C::width; i += threads) {
    int h = i / C::width, column = i % C::width;
    queries[i] = column < C::latent
                     ? toFloat(query.at(of.row, of.firstHead + h)[column])
                     : toFloat(ropeQuery.at(of.row, of.firstHead + h)[column - C::latent]);
  }
  for (int h = threadIndex(); h < heads; h += threads) {
    softmax.begin(h);
  }
  syncBlock();
  float values[heads][perThread] = {};
  for (int p = of.firstPage; p < of.endPage; ++p) {
    const auto *page = of.page(p);
    if (!page) {
      return;
    }
    int visible = of.visible(p * C::pageTokens, C::pageTokens);
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
        float factor = parts > 0 ? 1.0f : quotient(1.0f, softmax.sum[h]);
        of.partialOf(out, h)[i] = toNarrow<typename Out::Element>(values[h][c] * factor);
      }
    }
  }
  if constexpr (parts > 0) {
    for (int h = threadIndex(); h < heads; h += threads) {
      auto *to = of.partialOf(out, h) + C::latent;
      to[0] = softmax.largestScore[h];
      to[1] = softmax.sum[h];
    }
  }
}

/// Bytes of shared memory that attentionCombine needs: two numbers of each part.
__device__ constexpr int combineSharedBytes(int parts) { return 2 * parts * int(sizeof(float)); }

/// kern.attention_combine: a block has a head of a token. Its first warp finds what parts weigh.
template <int parts, int latent, int allHeads, int threads, typename Partials, typename Out>
__device__ inline void attentionCombine(Launch launch, Partials partials, Out out) {
  if (launch.stopped()) {
    return;
  }
  constexpr int ofLane = int(ceilDiv(parts, warpLanes)), width = latent + 2;
  int64 row = blockIndex() / allHeads, head = blockIndex() % allHeads;
  const float *from = partials.at(row, head);
  SharedArrays shared;
  float *sums = shared.take<float>(parts), *weights = shared.take<float>(parts);
  if (warpIndex() == 0) {
    float sum[ofLane], score[ofLane], most = -infinity();
#pragma unroll
    for (int n = 0; n < ofLane; ++n) {
      int p = n * warpLanes + laneIndex();
      sum[n] = p < parts ? from[p * width + latent + 1] : 0.0f;
      score[n] = sum[n] != 0.0f ? from[p * width + latent] : -infinity();
      most = largest(most, score[n]);
    }
    most = warpLargest(most);
#pragma unroll
    for (int n = 0; n < ofLane; ++n) {
      if (int p = n * warpLanes + laneIndex(); p < parts) {
        sums[p] = sum[n];
        weights[p] = sum[n] != 0.0f ? exponential(score[n] - most) : 0.0f;
      }
    }
  }
  syncBlock();
  for (int i = threadIndex(); i < latent; i += threads) {
    float value = 0.0f, total = 0.0f;
#pragma unroll 4
    for (int p = 0; p < parts; ++p) {
      if (sums[p] != 0.0f) {
        total = multiplyAdd(weights[p], sums[p], total);
        value = multiplyAdd(weights[p], from[p * width + i], value);
      }
    }
    out.at(row, head)[i] = toNarrow<typename Out::Element>(value * quotient(1.0f, total));
  }
}

} // namespace dsv3::gpu
