//===- expanded_attention.cuh - kern.expanded_attention ---------*- C++ -*-===//
//
// Attention with keys and values that are expanded page by page in shared memory: a
// block has a head and some tokens of the step. What a token does not see is not multiplied, since
// it may be no number.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/fma.cuh"
#include "runtime/kernels/cuda/tile/softmax.cuh"
#include "runtime/kernels/cuda/tile/tokens.cuh"

namespace dsv3::gpu {

template <int tokens, int nope, int value, typename C>
struct ExpandedShared {
  using Scores = Softmax<tokens, C::pageTokens>;
  /// A key: nope of the expanded key, its value, its rope; an odd number of elements.
  static constexpr int keyStride = (nope + value + C::rope) | 1;
  static constexpr int queryStride = nope + C::rope;
  static constexpr int pieceFloats = FmaTile::sharedBytes(1) / 4;
  static constexpr int keyFloats = C::pageTokens * keyStride;
  static constexpr int bytes =
      (pieceFloats + keyFloats + tokens * queryStride + Scores::floats + 2 * tokens + 1) * 4;
};

/// Row i of a page, from token `first` on.
template <typename C>
struct PageRows {
  using Element = typename C::Element;
  const Element *page;
  int first;
  __device__ const Element *operator()(int64 i) const { return page + (first + i) * C::width; }
  __device__ float scale(int64, int64) const { return 1.0f; }
};

template <int tokens, int heads, int nope, int value, int threads, typename C, typename W,
          typename Query, typename RopeQuery, typename Out>
struct ExpandedAttention {
  using Shared = ExpandedShared<tokens, nope, value, C>;
  static_assert(threads == FmaTile::threads, "all threads expand a page");
  static constexpr int warps = threads / warpLanes;
  static constexpr int perThread = int(ceilDiv(tokens * value, threads));

  W weight;
  int64 head;
  SharedArrays shared;
  float *piece, *keys, *queries;
  typename Shared::Scores softmax;
  BlockTokens<tokens, threads, C> block;
  float values[perThread];

  __device__ ExpandedAttention(Launch launch, C cache, W weight, int64 allTokens)
      : weight(weight), head(blockIndex() % heads), piece(shared.take<float>(Shared::pieceFloats)),
        keys(shared.take<float>(Shared::keyFloats)),
        queries(shared.take<float>(tokens * Shared::queryStride)), softmax(shared),
        block(launch, cache, blockIndex() / heads * tokens, allTokens, shared) {}

  /// False, for all threads, if a token's position or request cannot be right.
  __device__ bool load(Query query, RopeQuery ropeQuery, const int32 *positions,
                       const int32 *requests) {
    for (int t = threadIndex(); t < block.count; t += threads) {
      softmax.begin(t);
    }
    for (int i = threadIndex(); i < block.count * Shared::queryStride; i += threads) {
      int64 t = block.first + i / Shared::queryStride;
      int column = i % Shared::queryStride;
      queries[i] = column < nope ? toFloat(query.at(t, head)[column])
                                 : toFloat(ropeQuery.at(t, head)[column - nope]);
    }
    for (int c = 0; c < perThread; ++c) {
      values[c] = 0.0f;
    }
    return block.load(positions, requests);
  }

  /// The first `known` tokens of the page as keys and values of the head, and their ropes.
  __device__ void expand(const typename C::Element *page, int known) {
    constexpr int64 columns = nope + value;
    for (int first = 0; first < known; first += FmaTile::rows) {
      for (int64 column = 0; column < columns; column += FmaTile::columns) {
        float sums[1][4][4];
        PageRows<C> rowAt{page, first};
        tileProduct<1, columns, C::width>(weight, head, column, known - first, rowAt, piece, sums);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
#pragma unroll
          for (int j = 0; j < 4; ++j) {
            int key = first + FmaTile::firstRow() + i;
            int64 at = column + FmaTile::firstColumn() + j;
            if (key < known && at < columns) {
              keys[key * Shared::keyStride + at] = sums[0][i][j];
            }
          }
        }
      }
    }
    for (int i = threadIndex(); i < known * C::rope; i += threads) {
      int key = i / C::rope, column = i % C::rope;
      keys[key * Shared::keyStride + columns + column] =
          toFloat(page[key * C::width + C::latent + column]);
    }
    syncBlock();
  }

  __device__ void score(int r, int start, float scale) {
    for (int i = threadIndex(); i < block.count * C::pageTokens; i += threads) {
      int t = i / C::pageTokens, j = i % C::pageTokens;
      if (j < block.visible(t, r, start)) {
        const float *key = keys + j * Shared::keyStride;
        const float *query = queries + t * Shared::queryStride;
        float sum = 0.0f;
        for (int k = 0; k < nope; ++k) {
          sum = multiplyAdd(query[k], key[k], sum);
        }
        for (int k = 0; k < C::rope; ++k) {
          sum = multiplyAdd(query[nope + k], key[nope + value + k], sum);
        }
        softmax.scoresOf(t)[j] = sum * scale;
      }
    }
    syncBlock();
    for (int t = warpIndex(); t < block.count; t += warps) {
      softmax.update(t, block.visible(t, r, start));
    }
    syncBlock();
  }

  __device__ void addValues(int r, int start) {
#pragma unroll
    for (int c = 0; c < perThread; ++c) {
      int i = threadIndex() + c * threads, t = i / value;
      int seen = block.visible(t, r, start);
      if (seen > 0) {
        const float *from = keys + nope + i % value;
        float sum = values[c] * softmax.before[t];
        for (int j = 0; j < seen; ++j) {
          sum = multiplyAdd(softmax.scoresOf(t)[j], from[j * Shared::keyStride], sum);
        }
        values[c] = sum;
      }
    }
    syncBlock();
  }

  __device__ bool walk(float scale) {
    return block.forPages([&](const typename C::Element *page, int known, int request, int start) {
      expand(page, known);
      score(request, start, scale);
      addValues(request, start);
    });
  }

  __device__ void store(Out out) const {
#pragma unroll
    for (int c = 0; c < perThread; ++c) {
      int i = threadIndex() + c * threads, t = i / value;
      if (t < block.count) {
        auto *to = out.at(block.first + t, head) + i % value;
        *to = toNarrow<typename Out::Element>(values[c] * quotient(1.0f, softmax.sum[t]));
      }
    }
  }
};

template <int tokens, int heads, int nope, int value, int threads, typename C, typename W,
          typename Query, typename RopeQuery, typename Out>
__device__ inline void expandedAttention(Launch launch, Query query, RopeQuery ropeQuery, W weight,
                                         const int32 *positions, const int32 *requests, C cache,
                                         Out out, int64 allTokens, float scale) {
  if (launch.stopped()) {
    return;
  }
  ExpandedAttention<tokens, heads, nope, value, threads, C, W, Query, RopeQuery, Out> work(
      launch, cache, weight, allTokens);
  if (work.load(query, ropeQuery, positions, requests) && work.walk(scale)) {
    work.store(out);
  }
}

} // namespace dsv3::gpu
