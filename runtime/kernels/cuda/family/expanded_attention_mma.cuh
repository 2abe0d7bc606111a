//===- expanded_attention_mma.cuh - kern.expanded_attention on tensor cores -===//
//
// Attention of bf16 queries with keys and values that are expanded page by page in shared
// memory: a block has a head and 64 tokens of the step. Keys and values of a page are
// rounded to bf16, and so are the weights of the softmax; all sums are f32.
//
// A page is expanded as latents times weight, which is rounded to bf16 on its way where it is
// not: what MmaTile sums for a key and 128 rows of the weight are columns of keys, or, stored
// transposed, rows of values as their product wants them. A warp has the scores of 16 tokens
// with all keys of a page in registers, and half of their values.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/fragment.cuh"
#include "runtime/kernels/cuda/tile/mma.cuh"
#include "runtime/kernels/cuda/tile/swizzle.cuh"
#include "runtime/kernels/cuda/tile/tokens.cuh"

namespace dsv3::gpu {

/// Of the products that expand a page with a weight of so many `widenedBits`.
template <int widenedBits>
using ExpandingTile = MmaTile<64, 128, 3, widenedBits>;

template <int nope, int value, int widenedBits, typename C>
struct ExpandedMmaShared {
  static constexpr int tokens = 64, depth = nope + C::rope;
  using Rows = SwizzledRows<depth>;
  using Values = SwizzledRows<C::pageTokens>;
  static constexpr int stageElements = ExpandingTile<widenedBits>::sharedBytes(1) / 2;
  static constexpr int queryElements = tokens * Rows::stride;
  static constexpr int keyElements = C::pageTokens * Rows::stride;
  static constexpr int valueElements = value * Values::stride;
  static constexpr int bytes =
      (stageElements + queryElements + keyElements + valueElements) * 2 + (2 * tokens + 1) * 4;
};

/// Latents of a page, as rows of a product.
template <typename C>
struct PageLatents {
  using Element = bf16;
  static constexpr int64 begins = C::width;
  const bf16 *data;
  __device__ const bf16 *operator()(int64 key) const { return data + key * C::width; }
};

/// A value that is no number is 0 for tokens that do not see it. Its key, which comes from the same
/// latents, is none either, and so are the weights of those that do.
__device__ inline float orZero(float value) { return absolute(value) < infinity() ? value : 0.0f; }

template <int heads, int nope, int value, int threads, int widenedBits, typename C, typename W,
          typename Query, typename RopeQuery, typename Out>
struct ExpandedMmaAttention {
  using Shared = ExpandedMmaShared<nope, value, widenedBits, C>;
  using Tile = ExpandingTile<widenedBits>;
  using Rows = typename Shared::Rows;
  using Values = typename Shared::Values;
  static constexpr int chunk = Rows::chunk, keyTiles = C::pageTokens / 8;
  /// Pairs of eight columns of the values that a warp sums: every other one.
  static constexpr int valuePairs = int(ceilDiv(value, 32));
  static_assert(threads == Tile::threads, "all threads expand a page");
  static_assert(C::pageTokens == Tile::rows, "a page is a tile's rows");
  static_assert(Shared::tokens / 16 * 2 * warpLanes == threads, "two warps have 16 tokens");
  static_assert(Shared::depth % 16 == 0 && value % 16 == 0, "whole fragments");
  static_assert(nope % chunk == 0 && C::rope % chunk == 0 && C::width % chunk == 0, "whole copies");
  static_assert(Query::begins % chunk == 0 && RopeQuery::begins % chunk == 0, "whole copies");

  W weight;
  int64 head;
  SharedArrays shared;
  bf16 *stages, *queries, *keys, *values;
  BlockTokens<Shared::tokens, threads, C> tokens;
  float sums[2 * valuePairs][4] = {};
  /// Of the thread's rows, lane / 4 and eight below.
  float largestScore[2], weights[2];

  __device__ ExpandedMmaAttention(Launch launch, C cache, W weight, int64 allTokens)
      : weight(weight), head(blockIndex() % heads),
        stages(shared.take<bf16>(Shared::stageElements)),
        queries(shared.take<bf16>(Shared::queryElements)),
        keys(shared.take<bf16>(Shared::keyElements)),
        values(shared.take<bf16>(Shared::valueElements)),
        tokens(launch, cache, blockIndex() / heads * Shared::tokens, allTokens, shared) {
    for (int i = 0; i < 2; ++i) {
      largestScore[i] = -infinity();
      weights[i] = 0.0f;
    }
  }

  static __device__ int firstRow() { return warpIndex() / 2 * 16; }

  /// Those that are not there become zeros. Complete with the first piece of a page.
  __device__ void loadQueries(Query query, RopeQuery ropeQuery) const {
    constexpr int chunks = Shared::depth / chunk;
    for (int i = threadIndex(); i < Shared::tokens * chunks; i += threads) {
      int t = i / chunks, column = i % chunks * chunk;
      bool there = t < tokens.count;
      int64 token = tokens.first + (there ? t : 0);
      const bf16 *from = column < nope ? query.at(token, head) + column
                                       : ropeQuery.at(token, head) + (column - nope);
      copyAsync(queries + Rows::place(t, column), from, there ? 16 : 0);
    }
  }

  /// Sums of the keys with weight rows `first + …`, where keys or values want them.
  __device__ void storeExpanded(int first, const MmaSums<1> &expanded) const {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int j = 0; j < 4; ++j) {
#pragma unroll
        for (int half = 0; half < 2; ++half) {
          int key = Tile::warpFirstRow() + MmaSums<1>::row(i, 2 * half);
          int row = first + Tile::warpFirstColumn() + MmaSums<1>::column(j, 0);
          const float *two = expanded.of[0][i][j] + 2 * half;
          if (row < nope) {
            *reinterpret_cast<uint32 *>(keys + Rows::place(key, row)) = packed(two[0], two[1]);
          } else if (row < nope + value) {
            values[Values::place(row - nope, key)] = toNarrow<bf16>(orZero(two[0]));
            values[Values::place(row - nope + 1, key)] = toNarrow<bf16>(orZero(two[1]));
          }
        }
      }
    }
  }

  /// Keys that are not known become zeros.
  __device__ void expand(const bf16 *page, int known) const {
    PageLatents<C> latents{page};
    constexpr int chunks = C::rope / chunk;
    for (int i = threadIndex(); i < C::pageTokens * chunks; i += threads) {
      int key = i / chunks, column = i % chunks * chunk;
      bool there = key < known;
      copyAsync(keys + Rows::place(key, nope + column),
                latents(there ? key : 0) + C::latent + column, there ? 16 : 0);
    }
    for (int first = 0; first < nope + value; first += Tile::columns) {
      MmaProduct<1, nope + value, Tile, W, PageLatents<C>> product{
          weight, latents, head, first, known, reinterpret_cast<unsigned char *>(stages)};
      storeExpanded(first, product.run());
      syncBlock(); // the stages are free, and what was stored is there
    }
  }

  /// Makes weights of scores; what was summed before becomes smaller where a score is larger.
  __device__ void update(float (&scores)[keyTiles][4], const int (&seen)[2], float scale) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float most = -infinity();
#pragma unroll
      for (int j = 0; j < keyTiles; ++j) {
        for (int e = 0; e < 2; ++e) {
          float &score = scores[j][2 * i + e];
          score = j * 8 + laneIndex() % 4 * 2 + e < seen[i] ? score * scale : -infinity();
          most = largest(most, score);
        }
      }
      float old = largestScore[i], now = largest(old, rowLargest(most)), added = 0.0f;
      float before = seen[i] > 0 ? exponential(old - now) : 1.0f;
#pragma unroll
      for (int j = 0; j < keyTiles; ++j) {
        for (int e = 0; e < 2; ++e) {
          float &score = scores[j][2 * i + e];
          score = j * 8 + laneIndex() % 4 * 2 + e < seen[i] ? exponential(score - now) : 0.0f;
          added += score;
        }
      }
      largestScore[i] = now;
      weights[i] = weights[i] * before + added; // of the lane's own keys
#pragma unroll
      for (int v = 0; v < 2 * valuePairs; ++v) {
        sums[v][2 * i] *= before;
        sums[v][2 * i + 1] *= before;
      }
    }
  }

  __device__ void addValues(const float (&scores)[keyTiles][4]) {
    int lane = laneIndex();
    int place = Values::place(warpIndex() % 2 * 16 + lane / 16 * 8 + lane % 8, lane / 8 % 2 * 8);
#pragma unroll
    for (int k = 0; k < keyTiles; k += 2) {
      uint32 a[4] = {packed(scores[k][0], scores[k][1]), packed(scores[k][2], scores[k][3]),
                     packed(scores[k + 1][0], scores[k + 1][1]),
                     packed(scores[k + 1][2], scores[k + 1][3])};
#pragma unroll
      for (int v = 0; v < valuePairs; ++v) {
        if ((2 * v + warpIndex() % 2) * 16 < value) {
          uint32 b[4];
          loadMatrices(values + Values::further(place, k * 8) + v * 32 * Values::stride, b);
          multiplyMatrices(sums[2 * v], a, b[0], b[1]);
          multiplyMatrices(sums[2 * v + 1], a, b[2], b[3]);
        }
      }
    }
  }

  __device__ bool walk(float scale) {
    return tokens.forPages([&](const bf16 *page, int known, int request, int start) {
      expand(page, known);
      int row = firstRow() + laneIndex() / 4;
      int seen[2] = {tokens.visible(row, request, start), tokens.visible(row + 8, request, start)};
      float scores[keyTiles][4] = {};
      multiplyRows<Rows, Shared::depth>(scores, queries, firstRow(), keys, 0);
      update(scores, seen, scale);
      addValues(scores);
      syncBlock(); // keys and values are free
    });
  }

  __device__ void store(Out out) const {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      int t = firstRow() + laneIndex() / 4 + i * 8;
      float factor = quotient(1.0f, rowSum(weights[i]));
#pragma unroll
      for (int v = 0; v < 2 * valuePairs; ++v) {
        int column = (v / 2 * 2 + warpIndex() % 2) * 16 + v % 2 * 8 + laneIndex() % 4 * 2;
        for (int e = 0; e < 2; ++e) {
          if (t < tokens.count && column < value) {
            out.at(tokens.first + t, head)[column + e] =
                toNarrow<typename Out::Element>(sums[v][2 * i + e] * factor);
          }
        }
      }
    }
  }
};

template <int heads, int nope, int value, int threads, int widenedBits, typename C, typename W,
          typename Query, typename RopeQuery, typename Out>
__device__ inline void expandedAttentionMma(Launch launch, Query query, RopeQuery ropeQuery,
                                            W weight, const int32 *positions, const int32 *requests,
                                            C cache, Out out, int64 allTokens, float scale) {
  if (launch.stopped()) {
    return;
  }
  ExpandedMmaAttention<heads, nope, value, threads, widenedBits, C, W, Query, RopeQuery, Out> work(
      launch, cache, weight, allTokens);
  if (work.tokens.load(positions, requests)) {
    work.loadQueries(query, ropeQuery);
    if (work.walk(scale)) {
      work.store(out);
    }
  }
}

} // namespace dsv3::gpu
