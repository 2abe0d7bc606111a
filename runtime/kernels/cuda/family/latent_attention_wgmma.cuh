//===- latent_attention_wgmma.cuh - latent_attention on warp groups -*- C++ -*-===//
//
// Absorbed attention of bf16 queries with a cache of bf16 on warp groups of sm_90a: 64 rows, heads
// of a token or of some tokens of a request, meet pages of keys. Each key comes to shared memory
// once, and is key and value both. One warp group brings pages, two have half of the values'
// columns each. They take turns with the pages: one makes weights of its scores and hands them to
// the other, then both add the values, and the other one begins with the next page, which has come
// in the meantime. Weights are rounded to bf16, scores, sums and the softmax are f32.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/order.cuh"
#include "runtime/kernels/cuda/tile/pieces.cuh"
#include "runtime/kernels/cuda/tile/ring.cuh"
#include "runtime/kernels/cuda/tile/row_softmax.cuh"
#include "runtime/kernels/cuda/tile/schedule.cuh"

namespace dsv3::gpu {

/// `rowHeads` heads of each of `tokens` tokens are the rows of a block.
template <int rowHeads, int rowTokens, int mostTokens, int allHeads, int parts, int leastPages,
          typename C>
struct LatentWgmmaShared {
  static constexpr int heads = rowHeads, tokens = rowTokens,
                       headTiles = int(ceilDiv(allHeads, heads));
  static constexpr int groupThreads = 128, threads = 3 * groupThreads;
  static constexpr int groupWarps = groupThreads / warpLanes;
  static constexpr int warps = 2 * groupWarps; ///< that multiply
  static constexpr int keys = C::pageTokens, stages = 2;
  /// Of queries, and of a page: boxes of 64 columns.
  static constexpr int boxes = C::width / boxColumns, boxBytes = productRows * boxRowBytes;
  static constexpr int matrixBytes = boxes * boxBytes;
  /// Words of weights that a thread hands to the other group's.
  static constexpr int words = keys / 4;
  /// Of a warp's sums of a product, on their way out where queries were.
  static constexpr int stagedStride = productColumns + 8;
  static constexpr int stagedFloats = 16 * stagedStride;
  using Schedule = AttentionSchedule<mostTokens, tokens, headTiles, parts, leastPages, C>;
  static constexpr int bytes = (1 + stages) * matrixBytes + groupThreads * words * 4 +
                               StageRing<stages>::bytes + 2 * int(sizeof(Barrier)) +
                               (3 * productRows + stages * groupWarps + Schedule::numbers) * 4;
  static_assert(heads * tokens <= productRows, "rows of a product");
  static_assert(keys == productRows, "a page is a box of rows");
  static_assert(C::latent % (2 * productColumns) == 0 && C::rope % boxColumns == 0, "whole boxes");
  static_assert(warps * stagedFloats * 4 <= matrixBytes, "sums fit where queries were");
  static_assert(mostTokens <= threads, "a thread for each token of the schedule");
};

template <typename Shared, int allHeads, int parts, typename C, typename Query, typename RopeQuery,
          typename Out>
class LatentWgmmaAttention {
  using Item = AttentionItem;
  static constexpr int fewRegisters = 56, manyRegisters = 224;
  static_assert(fewRegisters + 2 * manyRegisters <= 3 * 168,
                "registers of a launch of 384 threads");
  static constexpr int products = C::latent / 2 / productColumns; ///< of a group
  static constexpr int fragments = Shared::keys / 16;
  static constexpr int chunk = TilePiece::chunkBytes / 2;
  static_assert(Query::begins % chunk == 0 && RopeQuery::begins % chunk == 0, "whole copies");

public:
  __device__ LatentWgmmaAttention(Launch launch, C cache)
      : launch(launch), cache(cache), queries(shared.take<unsigned char>(Shared::matrixBytes)),
        pages(shared.take<unsigned char>(Shared::stages * Shared::matrixBytes)),
        weights(shared.take<uint32>(Shared::groupThreads * Shared::words)), ring(shared),
        queriesFull(shared.take<Barrier>(1)), queriesEmpty(shared.take<Barrier>(1)),
        largestOf(shared.take<float>(productRows)), weightsOf(shared.take<float>(2 * productRows)),
        strange(shared.take<int>(Shared::stages * Shared::groupWarps)),
        schedule(launch, cache, shared) {}

  __device__ bool begin(const int32 *positions, const int32 *requests, int64 allTokens) {
    constexpr int pairWarps = 2, bringingWarps = 4;
    if (threadIndex() == 0) {
      ring.init(pairWarps, Shared::warps);
      initBarrier(queriesFull, bringingWarps);
      initBarrier(queriesEmpty, Shared::warps);
      fenceBarrierInit();
    }
    return schedule.load(positions, requests, allTokens); // the block meets
  }

  __device__ void run(Query query, RopeQuery ropeQuery, const int32 *positions, Out out,
                      float scale) {
    if (threadIndex() < Shared::groupThreads) {
      giveRegisters<fewRegisters>();
      bring(query, ropeQuery);
    } else {
      takeRegisters<manyRegisters>();
      attend(positions, out, scale);
    }
  }

private:
  static constexpr int pairThreads = Shared::groupThreads / 2;

  /// The row's token of the item, and its head.
  static __device__ int tokenOf(int row) { return row / Shared::heads; }
  static __device__ int headOf(const Item &item, int row) {
    return item.headTile * Shared::heads + row % Shared::heads;
  }
  static __device__ bool isThere(const Item &item, int row) {
    return tokenOf(row) < item.count && headOf(item, row) < allHeads;
  }

  //===--------------------------------------------------------------------===//
  // The group that brings
  //===--------------------------------------------------------------------===//

  /// A pair of warps has every second page, and waits for its own copies alone.
  __device__ void bring(Query query, RopeQuery ropeQuery) {
    int pair = threadIndex() / pairThreads, number = 0;
    schedule.forItems([&](const Item &item) {
      bool brought = false;
      for (int index = item.firstPage; index < item.endPage; ++index, ring.next()) {
        if (ring.stage() != pair) {
          continue;
        }
        ring.waitEmpty();
        bringPage(item, index);
        commitCopies();
        if (!brought) { // behind the first page, which need not wait for the item before
          brought = true;
          waitForPhase(queriesEmpty, ++number % 2);
          bringQueries(item, pair, query, ropeQuery);
          commitCopies();
          waitForCopies<1>();
          arriveWarp(ring.fullBarrier());
          waitForCopies<0>();
          arriveWarp(queriesFull);
        } else {
          waitForCopies<0>();
          arriveWarp(ring.fullBarrier());
        }
      }
      if (!brought) { // a lone page is the other pair's
        waitForPhase(queriesEmpty, ++number % 2);
        bringQueries(item, pair, query, ropeQuery);
        commitCopies();
        waitForCopies<0>();
        arriveWarp(queriesFull);
      }
    });
  }
  static __device__ void arriveWarp(Barrier *barrier) {
    syncWarp();
    if (laneIndex() == 0) {
      arrive(barrier);
    }
  }

  /// A thread copies the same chunk of each box of every eighth row.
  static constexpr int apart = pairThreads / TilePiece::chunks;
  static_assert(apart % TilePiece::chunks == 0, "rows that are swizzled alike");
  static __device__ int copyRow() { return threadIndex() % pairThreads / TilePiece::chunks; }
  static __device__ int copyChunk() { return threadIndex() % TilePiece::chunks; }
  static __device__ int copyPlace() { return TilePiece::place(copyRow(), copyChunk()); }

  /// Keys that no token sees are not touched: they become zeros, as a page that is not there.
  __device__ void bringPage(const Item &item, int index) const {
    const bf16 *page = cache.page(launch, item.request, index);
    int known = page ? item.lastKey + 1 - index * Shared::keys : 0;
    const bf16 *from = (page ? page : cache.pages) + copyRow() * C::width + copyChunk() * chunk;
    unsigned char *to = pages + ring.stage() * Shared::matrixBytes + copyPlace();
#pragma unroll
    for (int key = 0; key < Shared::keys; key += apart) {
      bool there = copyRow() + key < known;
#pragma unroll
      for (int box = 0; box < Shared::boxes; ++box) {
        TilePiece::copyChunk(to + box * Shared::boxBytes + key * boxRowBytes,
                             there ? from + key * C::width + box * boxColumns : cache.pages, there);
      }
    }
  }
  /// The pair's half of the rows. Those that are not there become zeros.
  __device__ void bringQueries(const Item &item, int pair, Query query, RopeQuery ropeQuery) const {
    constexpr int rows = productRows / 2, latentBoxes = C::latent / boxColumns;
    unsigned char *to = queries + pair * rows * boxRowBytes + copyPlace();
#pragma unroll 1
    for (int i = 0; i < rows; i += apart) {
      int row = pair * rows + copyRow() + i;
      bool there = isThere(item, row);
      int64 token = item.first + (there ? tokenOf(row) : 0);
      int head = there ? headOf(item, row) : 0;
      const bf16 *latents = query.at(token, head) + copyChunk() * chunk;
      const bf16 *rope = ropeQuery.at(token, head) + copyChunk() * chunk;
#pragma unroll
      for (int box = 0; box < Shared::boxes; ++box) {
        TilePiece::copyChunk(to + box * Shared::boxBytes + i * boxRowBytes,
                             box < latentBoxes ? latents + box * boxColumns
                                               : rope + (box - latentBoxes) * boxColumns,
                             there);
      }
    }
  }

  //===--------------------------------------------------------------------===//
  // The groups that multiply
  //===--------------------------------------------------------------------===//

  static __device__ int group() { return threadIndex() / Shared::groupThreads - 1; }
  static __device__ int groupThread() { return threadIndex() % Shared::groupThreads; }
  /// The thread's rows are this one and the one eight below.
  static __device__ int firstRow() { return groupThread() / warpLanes * 16 + laneIndex() / 4; }
  static __device__ void meetOtherGroup() { syncNamed(1, 2 * Shared::groupThreads); }

  __device__ void attend(const int32 *positions, Out out, float scale) {
    int number = 0;
    schedule.forItems([&](const Item &item) {
      int end[2]; // of the keys that a row sees
      for (int i = 0; i < 2; ++i) {
        int row = firstRow() + 8 * i;
        end[i] = isThere(item, row) ? positions[item.first + tokenOf(row)] + 1 : 0;
      }
      float sums[products][productSums];
#pragma unroll
      for (int p = 0; p < products; ++p) {
#pragma unroll
        for (int i = 0; i < productSums; ++i) {
          sums[p][i] = 0.0f;
        }
      }
      RowSoftmax softmax;
      waitForPhase(queriesFull, number++ % 2);
      for (int index = item.firstPage; index < item.endPage; ++index) {
        uint32 a[fragments][4];
        float before[2];
        ring.waitFull();
        fenceProxy(); // of what cp.async brought
        if (ring.stage() == group()) {
          weigh(index * Shared::keys, end, scale * log2OfE, softmax, a, before);
          meetOtherGroup();
        } else {
          meetOtherGroup();
          takeWeights(softmax, a, before);
        }
        clearStrange();
        addValues(a, before, sums);
        ring.release(ring.stage());
        ring.next();
      }
      store(item, softmax, out, sums);
    });
  }

  /// Scores of the group's page, weights of these, and what the other group has to know.
  __device__ void weigh(int start, const int (&end)[2], float factor, RowSoftmax &softmax,
                        uint32 (&a)[fragments][4], float (&before)[2]) const {
    float scores[halfProductSums];
    uint32 ofQueries = uniformWord(queries), ofKeys = uniformWord(pageOf());
    fenceProducts(scores);
#pragma unroll
    for (int box = 0; box < Shared::boxes; ++box) {
      constexpr uint32 ofBox = Shared::boxBytes >> 4, step = productBytes >> 4;
#pragma unroll
      for (int k = 0; k < boxRowBytes / productBytes; ++k) {
        multiplyGroup(scores, matrixDescriptor(ofQueries + box * ofBox + k * step),
                      matrixDescriptor(ofKeys + box * ofBox + k * step), box > 0 || k > 0);
      }
    }
    commitProducts();
    waitForProducts<0>(scores);
    int seen[2] = {end[0] - start, end[1] - start};
    bool all = ballot(seen[0] < Shared::keys || seen[1] < Shared::keys) == 0;
    bool numbers = true;
    if (!all) {
#pragma unroll
      for (int i = 0; i < halfProductSums; ++i) {
        numbers &= productColumn(i) < seen[i / 2 % 2] || absolute(scores[i]) < infinity();
      }
    }
    numbers = ballot(!numbers) == 0;
    if (laneIndex() == 0) {
      strangeOfPage()[groupThread() / warpLanes] = numbers ? 0 : 1;
    }
    softmax.update(scores, seen, all, factor, before);
#pragma unroll
    for (int f = 0; f < fragments; ++f) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        a[f][i] = packed(scores[f * 8 + 2 * i], scores[f * 8 + 2 * i + 1]);
      }
      storeVector<4>(weightsAt(f), {{a[f][0], a[f][1], a[f][2], a[f][3]}});
    }
    for (int i = 0; i < 2; ++i) {
      if (laneIndex() % 4 == 0) {
        largestOf[firstRow() + 8 * i] = softmax.largest[i];
      }
    }
  }
  /// What a token must not see does not matter, but 0 times what is no number or infinite would:
  /// such values become zeros in the group's columns. Of rows that see what is no number the
  /// weights are none either; one whose score is minus infinity is left without that key.
  __device__ void clearStrange() const {
    int sum = 0;
    for (int warp = 0; warp < Shared::groupWarps; ++warp) {
      sum += strangeOfPage()[warp];
    }
    if (sum == 0) {
      return;
    }
    constexpr int elements = products * productColumns * Shared::keys;
    auto *values = reinterpret_cast<bf16 *>(const_cast<unsigned char *>(pageOf()) +
                                            group() * elements * int(sizeof(bf16)));
    for (int i = groupThread(); i < elements; i += Shared::groupThreads) {
      if (!(absolute(toFloat(values[i])) < infinity())) {
        values[i] = bf16{0};
      }
    }
    fenceProxy();
    syncNamed(2 + group(), Shared::groupThreads);
  }
  /// Those of the other group's page. It writes again after the group has weighed the next one.
  __device__ void takeWeights(RowSoftmax &softmax, uint32 (&a)[fragments][4],
                              float (&before)[2]) const {
#pragma unroll
    for (int f = 0; f < fragments; ++f) {
      auto words = loadVector<4>(weightsAt(f));
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        a[f][i] = words.values[i];
      }
    }
    float now[2] = {largestOf[firstRow()], largestOf[firstRow() + 8]};
    softmax.follow(now, before);
  }
  /// Threads of the same number have the same rows and keys in both groups.
  __device__ uint32 *weightsAt(int fragment) const {
    return weights + (fragment * Shared::groupThreads + groupThread()) * 4;
  }
  __device__ int *strangeOfPage() const { return strange + ring.stage() * Shared::groupWarps; }
  __device__ const unsigned char *pageOf() const {
    return pages + ring.stage() * Shared::matrixBytes;
  }

  /// Adds the values of the page, in the group's columns, times their weights.
  __device__ void addValues(uint32 (&a)[fragments][4], const float (&before)[2],
                            float (&sums)[products][productSums]) const {
    constexpr int ofGroup = products * productColumns / boxColumns;
    int from =
        int(wideMatrixWord(pageOf() + group() * ofGroup * Shared::boxBytes, Shared::boxBytes));
    auto values = uint32(shuffle(from, 0)); // the same for all, as the compiler is to know
#pragma unroll
    for (int p = 0; p < products; ++p) {
#pragma unroll
      for (int i = 0; i < productSums; ++i) {
        sums[p][i] *= before[i / 2 % 2];
      }
      fenceProducts(sums[p]);
    }
#pragma unroll
    for (int f = 0; f < fragments; ++f) {
#pragma unroll
      for (int p = 0; p < products; ++p) {
        constexpr uint32 ofProduct = productColumns / boxColumns * Shared::boxBytes >> 4;
        constexpr uint32 ofFragment = 16 * boxRowBytes >> 4;
        multiplyTransposed(sums[p], a[f],
                           matrixDescriptor(values + p * ofProduct + f * ofFragment));
      }
    }
    commitProducts();
#pragma unroll
    for (int p = 0; p < products; ++p) {
      waitForProducts<0>(sums[p]);
    }
#pragma unroll
    for (int f = 0; f < fragments; ++f) {
      releaseFragment(a[f]);
    }
  }

  //===--------------------------------------------------------------------===//
  // What comes out
  //===--------------------------------------------------------------------===//

  static __device__ auto *partOf(Out out, const Item &item, int row, int part) {
    return out.at(item.first + tokenOf(row), headOf(item, row)) + part * (C::latent + 2);
  }

  __device__ void store(const Item &item, const RowSoftmax &softmax, Out out,
                        const float (&sums)[products][productSums]) const {
    float factor[2];
    for (int i = 0; i < 2; ++i) {
      float own = rowSum(softmax.weights[i]);
      if (laneIndex() % 4 == 0) {
        weightsOf[group() * productRows + firstRow() + 8 * i] = own;
      }
    }
    meetOtherGroup(); // the other group has read all queries, too
    for (int i = 0; i < 2; ++i) {
      int row = firstRow() + 8 * i;
      float all = allWeights(row);
      factor[i] = parts > 0 || all == 0.0f ? 1.0f : quotient(1.0f, all);
      if constexpr (parts > 0) {
        if (group() == 0 && laneIndex() % 4 == 0 && isThere(item, row)) {
          auto *to = partOf(out, item, row, item.part) + C::latent;
          if (all != 0.0f) {
            to[0] = softmax.largest[i] * (1.0f / log2OfE);
          }
          to[1] = all;
        }
      }
    }
    if constexpr (parts > 0) {
      if (item.part == item.parts - 1) {
        leaveNothing(item, out);
      }
    }
#pragma unroll
    for (int p = 0; p < products; ++p) {
      storeProduct(item, p, factor, out, sums[p]);
    }
    arriveWarp(queriesEmpty);
  }
  /// Of both groups, 0 where a token sees no key of the part.
  __device__ float allWeights(int row) const {
    return weightsOf[row] + weightsOf[productRows + row];
  }
  /// Parts that have no keys say that their sum is 0; what else is of them has no meaning.
  __device__ void leaveNothing(const Item &item, Out out) const {
    int empty = parts - item.parts;
    for (int i = threadIndex() - Shared::groupThreads; i < productRows * empty;
         i += 2 * Shared::groupThreads) {
      int row = i / empty;
      if (isThere(item, row)) {
        partOf(out, item, row, item.parts + i % empty)[C::latent + 1] = 0.0f;
      }
    }
  }
  /// Has a warp's sums lie in rows where queries were, for lanes side by side to store.
  __device__ void storeProduct(const Item &item, int product, const float (&factor)[2], Out out,
                               const float (&sums)[productSums]) const {
    using Element = typename Out::Element;
    int warp = warpIndex() - Shared::groupThreads / warpLanes;
    auto *staged = reinterpret_cast<float *>(queries) + warp * Shared::stagedFloats;
#pragma unroll
    for (int i = 0; i < productSums; i += 2) {
      storeVector<2>(staged + productRow(i) * Shared::stagedStride + productColumn(i),
                     {{sums[i] * factor[i / 2 % 2], sums[i + 1] * factor[i / 2 % 2]}});
    }
    syncWarp();
    int first = (group() * products + product) * productColumns;
#pragma unroll 4
    for (int i = 0; i < 16; ++i) {
      int row = warp % 4 * 16 + i;
      if (isThere(item, row) && allWeights(row) != 0.0f) {
        Element *to = partOf(out, item, row, item.part) + first;
#pragma unroll
        for (int column = 2 * laneIndex(); column < productColumns; column += 2 * warpLanes) {
          auto two = loadVector<2>(staged + i * Shared::stagedStride + column);
          storeVector<2>(to + column,
                         {{toNarrow<Element>(two.values[0]), toNarrow<Element>(two.values[1])}});
        }
      }
    }
    syncWarp();
  }

  Launch launch;
  C cache;
  SharedArrays shared;
  unsigned char *queries, *pages;
  uint32 *weights;
  StageRing<Shared::stages> ring;
  Barrier *queriesFull, *queriesEmpty;
  float *largestOf, *weightsOf; ///< of rows: known to both groups, and of each group's pages
  int *strange; ///< whether a warp has found a key that is no number, of the page in each stage
  typename Shared::Schedule schedule;
};

/// `heads` heads of each of `tokens` tokens a block, of up to `mostTokens` tokens in a step; and
/// one of `parts` of the keys, with no parts `out` is the attention itself.
template <int heads, int tokens, int mostTokens, int allHeads, int parts, int leastPages,
          typename C, typename Query, typename RopeQuery, typename Out>
__device__ inline void latentAttentionWgmma(Launch launch, Query query, RopeQuery ropeQuery,
                                            const int32 *positions, const int32 *requests, C cache,
                                            Out out, int64 allTokens, float scale) {
  if (launch.stopped()) {
    return;
  }
  using Shared = LatentWgmmaShared<heads, tokens, mostTokens, allHeads, parts, leastPages, C>;
  LatentWgmmaAttention<Shared, allHeads, parts, C, Query, RopeQuery, Out> work(launch, cache);
  if (work.begin(positions, requests, allTokens)) {
    work.run(query, ropeQuery, positions, out, scale);
  }
}

} // namespace dsv3::gpu
