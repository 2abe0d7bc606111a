//===- expanded_attention.cuh - kern.expanded_attention ---------*- C++ -*-===//
//
// Attention with keys and values that are expanded page by page in shared memory: a
// block has a head and some tokens of the step, which may belong to several requests.
// What a token does not see is not multiplied, since it may be no number.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/cache.cuh"
#include "runtime/kernels/cuda/tile/fma.cuh"
#include "runtime/kernels/cuda/tile/softmax.cuh"

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

  Launch launch;
  C cache;
  W weight;
  int64 head;
  int count; ///< tokens of the block
  SharedArrays shared;
  float *piece, *keys, *queries;
  typename Shared::Scores softmax;
  int *position, *request, *wrong;
  float values[perThread];

  __device__ ExpandedAttention(Launch launch, C cache, W weight, int64 allTokens)
      : launch(launch), cache(cache), weight(weight), head(blockIndex() % heads),
        piece(shared.take<float>(Shared::pieceFloats)), keys(shared.take<float>(Shared::keyFloats)),
        queries(shared.take<float>(tokens * Shared::queryStride)), softmax(shared),
        position(shared.take<int>(tokens)), request(shared.take<int>(tokens)),
        wrong(shared.take<int>(1)) {
    int64 left = allTokens - firstToken();
    count = int(left < tokens ? left : tokens);
  }
  static __device__ int64 firstToken() { return blockIndex() / heads * tokens; }

  /// False, for all threads, if a token's position or request cannot be right.
  __device__ bool load(Query query, RopeQuery ropeQuery, const int32 *positions,
                       const int32 *requests) {
    if (threadIndex() == 0) {
      *wrong = 0;
    }
    syncBlock();
    for (int t = threadIndex(); t < count; t += threads) {
      position[t] = positions[firstToken() + t];
      request[t] = requests[firstToken() + t];
      softmax.begin(t);
      if (!cache.checked(launch, position[t], request[t])) {
        *wrong = 1;
      }
    }
    for (int i = threadIndex(); i < count * Shared::queryStride; i += threads) {
      int64 t = firstToken() + i / Shared::queryStride;
      int column = i % Shared::queryStride;
      queries[i] = column < nope ? toFloat(query.at(t, head)[column])
                                 : toFloat(ropeQuery.at(t, head)[column - nope]);
    }
    for (int c = 0; c < perThread; ++c) {
      values[c] = 0.0f;
    }
    syncBlock();
    return *wrong == 0;
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

  /// Keys of the page from `start` on that token t of the block sees, of request `r`.
  __device__ int visible(int t, int r, int start) const {
    int left = position[t] + 1 - start;
    left = left < C::pageTokens ? left : C::pageTokens;
    return request[t] == r && left > 0 ? left : 0;
  }

  __device__ void score(int r, int start, float scale) {
    for (int i = threadIndex(); i < count * C::pageTokens; i += threads) {
      int t = i / C::pageTokens, j = i % C::pageTokens;
      if (j < visible(t, r, start)) {
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
    for (int t = warpIndex(); t < count; t += warps) {
      softmax.update(t, visible(t, r, start));
    }
    syncBlock();
  }

  __device__ void addValues(int r, int start) {
#pragma unroll
    for (int c = 0; c < perThread; ++c) {
      int i = threadIndex() + c * threads, t = i / value;
      int seen = t < count ? visible(t, r, start) : 0;
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

  /// Walks the pages of request `r` up to position `last`. False if one is not there.
  __device__ bool walk(int r, int last, float scale) {
    for (int p = 0; p <= last / C::pageTokens; ++p) {
      const auto *page = cache.page(launch, r, p);
      if (!page) {
        return false;
      }
      int start = p * C::pageTokens, left = last + 1 - start;
      expand(page, left < C::pageTokens ? left : C::pageTokens);
      score(r, start, scale);
      addValues(r, start);
    }
    return true;
  }

  /// Each request of the block's tokens once.
  __device__ bool walkAll(float scale) {
    for (int t = 0; t < count; ++t) {
      int last = -1;
      bool known = false;
      for (int other = 0; other < count; ++other) {
        if (request[other] == request[t]) {
          known |= other < t;
          last = position[other] > last ? position[other] : last;
        }
      }
      if (!known && !walk(request[t], last, scale)) {
        return false;
      }
    }
    return true;
  }

  __device__ void store(Out out) const {
#pragma unroll
    for (int c = 0; c < perThread; ++c) {
      int i = threadIndex() + c * threads, t = i / value;
      if (t < count) {
        auto *to = out.at(firstToken() + t, head) + i % value;
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
  if (work.load(query, ropeQuery, positions, requests) && work.walkAll(scale)) {
    work.store(out);
  }
}

} // namespace dsv3::gpu
