//===- latent_attention_mma.cuh - latent_attention on tensor cores -*- C++ -*-===//
//
// Absorbed attention of bf16 queries with a cache of bf16: a block has a token, some of its
// heads and a part of the keys. It reads each key once, in pieces of a page that are on their
// way while others are multiplied; a piece in shared memory is keys and values both. Weights of
// the softmax are rounded to bf16; all sums are f32. Keys that the token does not see are not
// touched: they are zeros.
//
// A warp has the scores of 16 heads with some keys of a piece, and of the values all heads and
// some columns.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/fragment.cuh"
#include "runtime/kernels/cuda/tile/keys.cuh"
#include "runtime/kernels/cuda/tile/swizzle.cuh"

namespace dsv3::gpu {

template <int blockHeads, int pieceKeys, int pieceStages, typename C>
struct LatentMmaShared {
  static constexpr int heads = blockHeads, keys = pieceKeys, stages = pieceStages, warps = 8;
  static constexpr int headTiles = heads / 16, keyShare = keys * headTiles / warps;
  /// Keys of a warp, and how many warps share a piece; others have no scores.
  static constexpr int warpKeys = keyShare < 16 ? 16 : keyShare, keyWarps = keys / warpKeys;
  using Rows = SwizzledRows<C::width>;
  using Weights = SwizzledRows<keys>;
  static constexpr int pieceElements = keys * Rows::stride;
  static constexpr int queryElements = heads * Rows::stride;
  static constexpr int weightElements = heads * Weights::stride;
  static constexpr int bytes =
      (stages * pieceElements + queryElements + weightElements) * 2 + (keyWarps + 1) * heads * 4;
  static_assert(heads % 16 == 0 && keys % 16 == 0, "whole fragments");
  static_assert(warps % headTiles == 0 && keyWarps * headTiles <= warps, "warps for all scores");
};

template <typename Shared, int allHeads, int parts, int leastPages, int threads, typename C,
          typename Query, typename RopeQuery, typename Out>
struct LatentMmaAttention {
  using Rows = typename Shared::Rows;
  using Weights = typename Shared::Weights;
  using Keys = BlockKeys<Shared::heads, allHeads, parts, leastPages, C>;
  static constexpr int heads = Shared::heads, headTiles = Shared::headTiles;
  static constexpr int keys = Shared::keys, keyTiles = Shared::warpKeys / 8;
  static constexpr int warps = Shared::warps, chunk = Rows::chunk, chunks = C::width / chunk;
  /// Pairs of eight columns of the values that a warp sums.
  static constexpr int columnPairs = int(ceilDiv(C::latent, 16 * warps));
  static_assert(threads == warps * warpLanes, "warps");
  static_assert(C::width % 16 == 0 && C::latent % 16 == 0, "whole fragments");
  static_assert(C::pageTokens % keys == 0, "whole pieces");
  static_assert(Query::begins % chunk == 0 && RopeQuery::begins % chunk == 0, "whole copies");
  /// Floats between the rows that are stored, which lie in different banks.
  static constexpr int stagedStride = C::latent + 8;
  static_assert(16 * stagedStride * 4 <= Shared::stages * Shared::pieceElements * 2, "they fit");

  Keys of;
  SharedArrays shared;
  bf16 *pieces, *queries, *weights;
  float *ofKeyWarps; ///< [keyWarps][heads], a number for each
  float *factors;    ///< of each head, for what was summed before
  int pieceCount;
  float sums[headTiles][2 * columnPairs][4] = {};
  /// Of the rows of scores, if the warp has any; sums of weights are of the lane's own keys.
  float largestScore[2], sumOfWeights[2];

  __device__ explicit LatentMmaAttention(const Keys &of)
      : of(of), pieces(shared.take<bf16>(Shared::stages * Shared::pieceElements)),
        queries(shared.take<bf16>(Shared::queryElements)),
        weights(shared.take<bf16>(Shared::weightElements)),
        ofKeyWarps(shared.take<float>(Shared::keyWarps * heads)),
        factors(shared.take<float>(heads)) {
    int pages = of.endPage - of.firstPage;
    pieceCount = int(ceilDiv(of.visible(startOf(0), pages * C::pageTokens), keys));
    for (int i = 0; i < 2; ++i) {
      largestScore[i] = -infinity();
      sumOfWeights[i] = 0.0f;
    }
  }

  static __device__ int firstRow() { return warpIndex() % headTiles * 16; }
  static __device__ int keyWarp() { return warpIndex() / headTiles; }
  static __device__ bool hasScores() { return keyWarp() < Shared::keyWarps; }
  /// The head of the thread's row i of scores.
  static __device__ int rowOf(int i) { return firstRow() + laneIndex() / 4 + 8 * i; }
  static __device__ int firstColumn(int pair) { return (pair * warps + warpIndex()) * 16; }
  static __device__ bool hasColumns(int pair) {
    return C::latent % (16 * warps) == 0 || firstColumn(pair) < C::latent;
  }

  __device__ int startOf(int piece) const { return of.firstPage * C::pageTokens + piece * keys; }
  __device__ bf16 *place(int piece) const {
    return pieces + piece % Shared::stages * Shared::pieceElements;
  }

  /// Complete with the first piece. Heads that are not there become zeros.
  __device__ void loadQueries(Query query, RopeQuery ropeQuery) const {
    for (int i = threadIndex(); i < heads * chunks; i += threads) {
      int h = i / chunks, column = i % chunks * chunk;
      bool there = of.firstHead + h < allHeads;
      int head = of.firstHead + (there ? h : 0);
      const bf16 *from = column < C::latent ? query.at(of.row, head) + column
                                            : ropeQuery.at(of.row, head) + (column - C::latent);
      copyAsync(queries + Rows::place(h, column), from, there ? 16 : 0);
    }
  }

  /// Begins to copy a piece, if there is one. False if its page is not there.
  __device__ bool fetch(int piece) const {
    if (piece < pieceCount) {
      int start = startOf(piece);
      const bf16 *page = of.page(start / C::pageTokens);
      if (!page) {
        return false;
      }
      const bf16 *from = page + start % C::pageTokens * C::width;
      int known = of.visible(start, keys);
      for (int i = threadIndex(); i < keys * chunks; i += threads) {
        int key = i / chunks, column = i % chunks * chunk;
        bool seen = key < known;
        copyAsync(place(piece) + Rows::place(key, column),
                  from + (seen ? key : 0) * C::width + column, seen ? 16 : 0);
      }
    }
    commitCopies(); // an empty group keeps the count
    return true;
  }

  /// The warp's scores, and what is the largest of each head's.
  __device__ void score(float (&scores)[keyTiles][4], int piece, float scale) const {
    int firstKey = keyWarp() * Shared::warpKeys, known = of.visible(startOf(piece), keys);
    multiplyRows<Rows, C::width>(scores, queries, firstRow(), place(piece), firstKey);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float most = -infinity();
#pragma unroll
      for (int j = 0; j < keyTiles; ++j) {
        for (int e = 0; e < 2; ++e) {
          float &score = scores[j][2 * i + e];
          bool seen = firstKey + j * 8 + laneIndex() % 4 * 2 + e < known;
          score = seen ? score * scale : -infinity();
          most = largest(most, score);
        }
      }
      most = rowLargest(most);
      if (laneIndex() % 4 == 0) {
        ofKeyWarps[keyWarp() * heads + rowOf(i)] = most;
      }
    }
  }

  /// Makes weights of the warp's scores, when all warps have theirs.
  __device__ void weigh(const float (&scores)[keyTiles][4]) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float old = largestScore[i], now = old, added = 0.0f;
      for (int w = 0; w < Shared::keyWarps; ++w) {
        now = largest(now, ofKeyWarps[w * heads + rowOf(i)]);
      }
#pragma unroll
      for (int j = 0; j < keyTiles; ++j) {
        float first = exponential(scores[j][2 * i] - now);
        float second = exponential(scores[j][2 * i + 1] - now);
        added += first + second;
        int key = keyWarp() * Shared::warpKeys + j * 8 + laneIndex() % 4 * 2;
        *reinterpret_cast<uint32 *>(weights + Weights::place(rowOf(i), key)) =
            packed(first, second);
      }
      float before = exponential(old - now);
      largestScore[i] = now;
      sumOfWeights[i] = sumOfWeights[i] * before + added;
      if (keyWarp() == 0 && laneIndex() % 4 == 0) {
        factors[rowOf(i)] = before;
      }
    }
  }

  __device__ void addValues(const bf16 *latents) {
    int lane = laneIndex();
#pragma unroll
    for (int t = 0; t < headTiles; ++t) {
      float upper = factors[t * 16 + lane / 4], lower = factors[t * 16 + lane / 4 + 8];
#pragma unroll
      for (int c = 0; c < 2 * columnPairs; ++c) {
        for (int e = 0; e < 4; ++e) {
          sums[t][c][e] *= e < 2 ? upper : lower;
        }
      }
    }
#pragma unroll 2 // all at once would take more registers than there are
    for (int k = 0; k < keys; k += 16) {
      uint32 a[headTiles][4];
      for (int t = 0; t < headTiles; ++t) {
        loadMatrices(weights + Weights::place(t * 16 + lane % 16, k + lane / 16 * 8), a[t]);
      }
#pragma unroll
      for (int p = 0; p < columnPairs; ++p) {
        if (hasColumns(p)) {
          uint32 b[4];
          loadTransposed(latents + Rows::place(k + lane % 16, firstColumn(p) + lane / 16 * 8), b);
          for (int t = 0; t < headTiles; ++t) {
            multiplyMatrices(sums[t][2 * p], a[t], b[0], b[1]);
            multiplyMatrices(sums[t][2 * p + 1], a[t], b[2], b[3]);
          }
        }
      }
    }
  }

  /// False if a page is not there.
  __device__ bool walk(float scale) {
    for (int i = 0; i < Shared::stages - 1; ++i) {
      if (!fetch(i)) {
        return false;
      }
    }
    for (int piece = 0; piece < pieceCount; ++piece) {
      waitForCopies<Shared::stages - 2>();
      syncBlock(); // the piece is there for all, and the stage before it is free
      if (!fetch(piece + Shared::stages - 1)) {
        return false;
      }
      float scores[keyTiles][4] = {};
      if (hasScores()) {
        score(scores, piece, scale);
      }
      syncBlock();
      if (hasScores()) {
        weigh(scores);
      }
      syncBlock();
      addValues(place(piece));
    }
    return true;
  }

  /// Sums of all of a head's weights, for all threads.
  __device__ void addWeights() const {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float all = rowSum(sumOfWeights[i]);
      if (hasScores() && laneIndex() % 4 == 0) {
        ofKeyWarps[keyWarp() * heads + rowOf(i)] = all;
      }
    }
    syncBlock();
  }
  __device__ float weightsOf(int head) const {
    float all = 0.0f;
    for (int w = 0; w < Shared::keyWarps; ++w) {
      all += ofKeyWarps[w * heads + head];
    }
    return all;
  }

  /// Has the sums of 16 heads lie in rows where pieces were, for threads side by side to store.
  __device__ void stage(const float (&ofHeads)[2 * columnPairs][4], int firstHead,
                        float *staged) const {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      int row = laneIndex() / 4 + 8 * i;
      float factor = parts > 0 ? 1.0f : quotient(1.0f, weightsOf(firstHead + row));
#pragma unroll
      for (int c = 0; c < 2 * columnPairs; ++c) {
        int column = firstColumn(c / 2) + c % 2 * 8 + laneIndex() % 4 * 2;
        if (hasColumns(c / 2)) {
          storeVector<2>(staged + row * stagedStride + column,
                         {{ofHeads[c][2 * i] * factor, ofHeads[c][2 * i + 1] * factor}});
        }
      }
    }
  }

  __device__ void store(Out out) const {
    auto *staged = reinterpret_cast<float *>(pieces);
    addWeights();
#pragma unroll
    for (int t = 0; t < headTiles; ++t) {
      stage(sums[t], t * 16, staged);
      syncBlock();
#pragma unroll 1
      for (int i = threadIndex(); i < 16 * C::latent; i += threads) {
        int head = t * 16 + i / C::latent, column = i % C::latent;
        if (of.firstHead + head < allHeads) {
          of.partialOf(out, head)[column] =
              toNarrow<typename Out::Element>(staged[i / C::latent * stagedStride + column]);
        }
      }
      syncBlock();
    }
    if constexpr (parts > 0) {
      for (int i = 0; i < 2; ++i) {
        if (keyWarp() == 0 && laneIndex() % 4 == 0 && of.firstHead + rowOf(i) < allHeads) {
          auto *to = of.partialOf(out, rowOf(i)) + C::latent;
          to[0] = largestScore[i];
          to[1] = weightsOf(rowOf(i));
        }
      }
    }
  }
};

/// `heads` of `allHeads` a block, pieces of `keys` keys in `stages` stages, and one of `parts` of
/// the keys; with no parts `out` is the attention itself.
template <int heads, int keys, int stages, int allHeads, int parts, int leastPages, int threads,
          typename C, typename Query, typename RopeQuery, typename Out>
__device__ inline void latentAttentionMma(Launch launch, Query query, RopeQuery ropeQuery,
                                          const int32 *positions, const int32 *requests, C cache,
                                          Out out, float scale) {
  if (launch.stopped()) {
    return;
  }
  BlockKeys<heads, allHeads, parts, leastPages, C> of(launch, cache, positions, requests);
  if (!of.checked() || of.leftNothing(out, threads)) {
    return;
  }
  LatentMmaAttention<LatentMmaShared<heads, keys, stages, C>, allHeads, parts, leastPages, threads,
                     C, Query, RopeQuery, Out>
      work(of);
  work.loadQueries(query, ropeQuery);
  if (work.walk(scale)) {
    work.store(out);
  }
}

} // namespace dsv3::gpu
