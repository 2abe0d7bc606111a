//===- prefill_attention.cuh - attention of a prompt on warp groups -*- C++ -*-===//
//
// kern.prefill_attention on warp groups of sm_90a: a block has a head and 128 tokens of the step.
// One warp group brings keys and values that kern.expand_latents made, two have 64 tokens each:
// while the tensor cores multiply the weights of one piece of keys with its values, a group makes
// weights of the scores of the next (FlashAttention-3, Shah et al., 2024). Scores, sums and the
// softmax are f32, weights are rounded to bf16.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/boxes.cuh"
#include "runtime/kernels/cuda/tile/prompt.cuh"
#include "runtime/kernels/cuda/tile/ring.cuh"
#include "runtime/kernels/cuda/tile/row_softmax.cuh"
#include "runtime/kernels/cuda/tile/wgmma.cuh"

namespace dsv3::gpu {

template <int nope, int rope, int value>
struct PrefillShared {
  static constexpr int tokens = 2 * productRows, stages = 2;
  static constexpr int groupThreads = 128, threads = 3 * groupThreads;
  static constexpr int nopeBoxes = nope / boxColumns, queryBoxes = (nope + rope) / boxColumns;
  static constexpr int valueBoxes = pieceKeys / boxColumns;
  /// Of a group's queries in a box, of keys in a box, and of values of the keys of a box.
  static constexpr int queryBox = productRows * boxRowBytes, keyBox = pieceKeys * boxRowBytes;
  static constexpr int valueBox = value * boxRowBytes;
  static constexpr int groupBytes = queryBoxes * queryBox, keyBytes = queryBoxes * keyBox;
  static constexpr int valueBytes = valueBoxes * valueBox;
  static constexpr int bytes = 2 * groupBytes + stages * (keyBytes + valueBytes) +
                               2 * StageRing<stages>::bytes + int(sizeof(Barrier)) +
                               (4 * tokens + 1) * 4;
};

template <int nope, int rope, int value, typename Keys, typename Query, typename RopeQuery>
class PrefillAttention {
  using Shared = PrefillShared<nope, rope, value>;
  static constexpr int fragments = pieceKeys / 16, fewRegisters = 40, manyRegisters = 232;
  static_assert(fewRegisters + 2 * manyRegisters <= 3 * 168,
                "registers of a launch of 384 threads");
  static_assert(nope % boxColumns == 0 && rope % boxColumns == 0, "whole boxes");
  static_assert(value == productColumns, "a product has all columns of the values");

public:
  /// Boxes of 64 queries, of pieceKeys keys, and of `value` columns of the values.
  struct Maps {
    const TensorMap *query, *ropeQuery, *keys, *ropeKeys, *values;
  };

  /// Blocks that run at the same time have few heads, whose keys the L2 holds; of a head those are
  /// first whose tokens see the most keys.
  __device__ PrefillAttention(Launch launch, int64 allTokens)
      : head(blockIndex() / ceilDiv(allTokens, Shared::tokens)),
        queries(shared.take<unsigned char>(2 * Shared::groupBytes)),
        keys(shared.take<unsigned char>(Shared::stages * Shared::keyBytes)),
        values(shared.take<unsigned char>(Shared::stages * Shared::valueBytes)), ofKeys(shared),
        ofValues(shared), queriesFull(shared.take<Barrier>(1)),
        tokens(launch, firstToken(allTokens), allTokens, shared) {}

  __device__ bool begin(const int32 *positions, const int32 *requests) {
    if (threadIndex() == 0) {
      constexpr int readers = 2 * Shared::groupThreads / warpLanes;
      ofKeys.init(1, readers);
      ofValues.init(1, readers);
      initBarrier(queriesFull, 1);
      fenceBarrierInit();
    }
    return tokens.load(positions, requests); // the block meets
  }

  __device__ void run(const Maps &maps, const TensorMap *outMap, float scale) {
    if (threadIndex() < Shared::groupThreads) {
      giveRegisters<fewRegisters>();
      if (threadIndex() == 0) {
        bring(maps);
      }
    } else {
      takeRegisters<manyRegisters>();
      attend(outMap, scale);
    }
  }

private:
  static __device__ int64 firstToken(int64 allTokens) {
    int64 ofHead = ceilDiv(allTokens, Shared::tokens);
    return (ofHead - 1 - blockIndex() % ofHead) * Shared::tokens;
  }

  __device__ void bring(const Maps &maps) {
    arriveExpecting(queriesFull, 2 * Shared::groupBytes);
    for (int i = 0; i < 2 * Shared::queryBoxes; ++i) {
      int group = i / Shared::queryBoxes, box = i % Shared::queryBoxes;
      bool plain = box < Shared::nopeBoxes;
      int64 column = (plain ? Query::firstOf(head) : RopeQuery::firstOf(head)) +
                     (plain ? box : box - Shared::nopeBoxes) * boxColumns;
      copyTensor(queries + i * Shared::queryBox, plain ? maps.query : maps.ropeQuery,
                 int(column * 2), int(tokens.first) + group * productRows, queriesFull);
    }
    tokens.forPieces([&](int request, int start) {
      auto row = int(request * Keys::rowsOfRequest + start);
      ofKeys.waitEmpty();
      arriveExpecting(ofKeys.fullBarrier(), Shared::keyBytes);
      for (int box = 0; box < Shared::queryBoxes; ++box) {
        bool plain = box < Shared::nopeBoxes;
        int64 column =
            (plain ? head * nope + box * boxColumns : int64(box - Shared::nopeBoxes) * boxColumns);
        copyTensor(keys + ofKeys.stage() * Shared::keyBytes + box * Shared::keyBox,
                   plain ? maps.keys : maps.ropeKeys, int(column * 2), row, ofKeys.fullBarrier());
      }
      ofKeys.next();
      ofValues.waitEmpty();
      arriveExpecting(ofValues.fullBarrier(), Shared::valueBytes);
      for (int box = 0; box < Shared::valueBoxes; ++box) {
        copyTensor(values + ofValues.stage() * Shared::valueBytes + box * Shared::valueBox,
                   maps.values, (row + box * boxColumns) * 2, int(head * value),
                   ofValues.fullBarrier());
      }
      ofValues.next();
    });
  }

  /// Begins the scores of the next piece.
  __device__ void beginScores(uint32 query, float (&scores)[productSums]) {
    uint32 piece = uniformWord(keys + ofKeys.stage() * Shared::keyBytes);
    ofKeys.waitFull();
    fenceProducts(scores);
#pragma unroll
    for (int box = 0; box < Shared::queryBoxes; ++box) {
      uint32 a = query + box * (Shared::queryBox >> 4), b = piece + box * (Shared::keyBox >> 4);
#pragma unroll
      for (int k = 0; k < boxRowBytes / productBytes; ++k) {
        constexpr uint32 step = productBytes >> 4;
        multiplyGroup(scores, matrixDescriptor(a + k * step), matrixDescriptor(b + k * step),
                      box > 0 || k > 0);
      }
    }
    commitProducts();
  }
  /// Begins to add the values of the next piece times their weights.
  __device__ void beginValues(const uint32 (&a)[fragments][4], float (&sums)[productSums]) {
    uint32 piece = uniformWord(values + ofValues.stage() * Shared::valueBytes);
    ofValues.waitFull();
    fenceProducts(sums);
#pragma unroll
    for (int box = 0; box < Shared::valueBoxes; ++box) {
      uint32 b = piece + box * (Shared::valueBox >> 4);
#pragma unroll
      for (int k = 0; k < boxRowBytes / productBytes; ++k) {
        constexpr uint32 step = productBytes >> 4;
        multiplyFragment(sums, a[box * (boxRowBytes / productBytes) + k],
                         matrixDescriptor(b + k * step));
      }
    }
    commitProducts();
  }

  /// Weights as the product with values wants them.
  static __device__ void pack(const float (&weights)[productSums], uint32 (&a)[fragments][4]) {
#pragma unroll
    for (int f = 0; f < fragments; ++f) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        a[f][i] = packed(weights[f * 8 + 2 * i], weights[f * 8 + 2 * i + 1]);
      }
    }
  }

  __device__ void attend(const TensorMap *outMap, float scale) {
    int group = threadIndex() / Shared::groupThreads - 1;
    int warpRow = group * productRows + warpIndex() % 4 * WarpBoxes::rows;
    unsigned char *query = queries + group * Shared::groupBytes;
    uint32 queryWord = uniformWord(query);
    float scores[productSums], sums[productSums];
    uint32 a[fragments][4];
    for (int i = 0; i < productSums; ++i) {
      sums[i] = 0.0f;
    }
    RowSoftmax softmax;
    bool begun = false;
    waitForPhase(queriesFull, 0);
    tokens.forPieces([&](int request, int start) {
      int seen[2];
      for (int i = 0; i < 2; ++i) {
        seen[i] = tokens.visible(warpRow + productRow(2 * i), request, start);
      }
      bool all = ballot(seen[0] < pieceKeys || seen[1] < pieceKeys) == 0;
      beginScores(queryWord, scores);
      if (begun) {
        beginValues(a, sums);
        waitForProducts<1>(scores);
      } else {
        waitForProducts<0>(scores);
      }
      ofKeys.release(ofKeys.stage());
      ofKeys.next();
      float before[2];
      softmax.update(scores, seen, all, scale * log2OfE, before);
      if (begun) {
        endValues(a, sums);
#pragma unroll
        for (int i = 0; i < productSums; ++i) {
          sums[i] *= before[i / 2 % 2];
        }
      }
      begun = true;
      pack(scores, a);
    });
    beginValues(a, sums);
    endValues(a, sums);
    store(softmax, warpRow, group, query, outMap, sums);
  }
  __device__ void endValues(uint32 (&a)[fragments][4], float (&sums)[productSums]) {
    waitForProducts<0>(sums);
#pragma unroll
    for (int f = 0; f < fragments; ++f) {
      releaseFragment(a[f]);
    }
    ofValues.release(ofValues.stage());
    ofValues.next();
  }

  /// Boxes lie where the group's queries were. Rows behind the last token are left out.
  __device__ void store(const RowSoftmax &softmax, int warpRow, int group, unsigned char *boxes,
                        const TensorMap *outMap, const float (&sums)[productSums]) const {
    float factor[2];
    for (int i = 0; i < 2; ++i) {
      factor[i] = quotient(1.0f, rowSum(softmax.weights[i]));
    }
    syncNamed(1 + group, Shared::groupThreads); // all warps have read the queries
    constexpr int count = WarpBoxes::count(1);
    WarpBoxes out{{}, boxes + warpIndex() % 4 * count * WarpBoxes::boxBytes};
#pragma unroll
    for (int box = 0; box < count; ++box) {
      out.put(box, [&](int i) { return toNarrow<bf16>(sums[i] * factor[i / 2 % 2]); });
    }
    fenceProxy();
    syncWarp();
    if (laneIndex() == 0) {
      for (int box = 0; box < count; ++box) {
        out.store(box, outMap, head * value + box * WarpBoxes::columns, tokens.first + warpRow);
      }
      commitStores();
      waitForStores<0>();
    }
  }

  int64 head;
  SharedArrays shared;
  unsigned char *queries, *keys, *values;
  StageRing<Shared::stages> ofKeys, ofValues;
  Barrier *queriesFull;
  PromptTokens<Shared::tokens, Shared::threads, Keys> tokens;
};

template <int nope, int rope, int value, typename Keys, typename Query, typename RopeQuery>
__device__ inline void prefillAttention(Launch launch, Query, RopeQuery, const TensorMap *queryMap,
                                        const TensorMap *ropeQueryMap, const TensorMap *keysMap,
                                        const TensorMap *ropeKeysMap, const TensorMap *valuesMap,
                                        const TensorMap *outMap, const int32 *positions,
                                        const int32 *requests, int64 allTokens, float scale) {
  if (launch.stopped()) {
    return;
  }
  using Attention = PrefillAttention<nope, rope, value, Keys, Query, RopeQuery>;
  Attention work(launch, allTokens);
  if (work.begin(positions, requests)) {
    work.run({queryMap, ropeQueryMap, keysMap, ropeKeysMap, valuesMap}, outMap, scale);
  }
}

} // namespace dsv3::gpu
