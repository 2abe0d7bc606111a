//===- expand_latents.cuh - keys and values of cached latents ---*- C++ -*-===//
//
// kern.expand_latents on warp groups of sm_90a: latents of `pieceKeys` keys stay in shared memory
// while one tile of the weight's rows after the other meets them. Of a head one tile makes keys,
// the weight being the columns, and one makes values, the weight being the rows, so that both are
// stored as attention wants them. Persistent: a block has a range of all pairs of keys and tiles.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/family/gemm.cuh"
#include "runtime/kernels/cuda/tile/boxes.cuh"
#include "runtime/kernels/cuda/tile/order.cuh"
#include "runtime/kernels/cuda/tile/prompt.cuh"
#include "runtime/kernels/cuda/tile/reduce.cuh"
#include "runtime/kernels/cuda/tile/ring.cuh"
#include "runtime/kernels/cuda/tile/wgmma.cuh"

namespace dsv3::gpu {

template <typename C, int stageCount>
struct ExpandShared : TilePiece {
  static constexpr int stages = stageCount, groupThreads = 128, threads = 3 * groupThreads;
  static constexpr int warps = threads / warpLanes, multiplyingWarps = 2 * groupThreads / warpLanes;
  static constexpr int pieces = C::latent / boxColumns;
  static constexpr int pieceBytes = pieceKeys * rowBytes; ///< of latents, and of the weight
  static constexpr int boxesOfWarp = WarpBoxes::count(1);
  static constexpr int boxesBytes = multiplyingWarps * boxesOfWarp * WarpBoxes::boxBytes;
  /// A number for each request, and of each warp.
  static constexpr int numbers = (warps + 1) * C::requests + 1;
  static constexpr int bytes = (pieces + stages) * pieceBytes + boxesBytes +
                               StageRing<stages>::bytes + 2 * int(sizeof(Barrier)) + numbers * 4;
};

template <int heads, int nope, int value, int stageCount, typename C, typename Keys>
class ExpandLatents {
  using Shared = ExpandShared<C, stageCount>;
  static constexpr int pieces = Shared::pieces, tileRows = 2 * productRows;
  static constexpr int tiles = 2 * heads; ///< of the weight: keys, then values of each head
  static constexpr int fewRegisters = 72, manyRegisters = 216;
  static_assert(fewRegisters + 2 * manyRegisters <= 3 * 168,
                "registers of a launch of 384 threads");
  static_assert(nope == tileRows && value == tileRows, "a tile for keys and one for values");
  static_assert(C::latent % boxColumns == 0, "whole boxes");

  /// A piece of keys of a request.
  struct Piece {
    int request, start, count; ///< keys that are there
    __device__ int64 row() const { return request * Keys::rowsOfRequest + start; }
  };

public:
  __device__ ExpandLatents(Launch launch, C cache)
      : launch(launch), cache(cache),
        latents(shared.take<unsigned char>(pieces * Shared::pieceBytes)),
        weights(shared.take<unsigned char>(Shared::stages * Shared::pieceBytes)),
        boxes(shared.take<unsigned char>(Shared::boxesBytes)), ring(shared),
        latentsFull(shared.take<Barrier>(1)), latentsEmpty(shared.take<Barrier>(1)),
        known(shared.take<int>(C::requests)),
        ofWarps(shared.take<int>(Shared::warps * C::requests)), wrong(shared.take<int>(1)) {}

  /// Which keys the step's requests have. False, for all threads, if a position or request cannot
  /// be right.
  __device__ bool begin(const int32 *positions, const int32 *requests, int64 allTokens) {
    if (threadIndex() == 0) {
      *wrong = 0;
      ring.init(1, Shared::multiplyingWarps);
      initBarrier(latentsFull, Shared::groupThreads / warpLanes);
      initBarrier(latentsEmpty, Shared::multiplyingWarps);
      fenceBarrierInit();
    }
    syncBlock();
    for (int request = 0; request < C::requests; ++request) {
      int most = 0;
      for (int64 t = threadIndex(); t < allTokens; t += Shared::threads) {
        int position = positions[t], of = requests[t];
        if (!cache.checked(launch, position, of)) {
          *wrong = 1;
        } else if (of == request && position >= most) {
          most = position + 1;
        }
      }
      most = warpLargest(most);
      if (laneIndex() == 0) {
        ofWarps[request * Shared::warps + warpIndex()] = most;
      }
    }
    syncBlock();
    for (int request = threadIndex(); request < C::requests; request += Shared::threads) {
      int most = 0;
      for (int warp = 0; warp < Shared::warps; ++warp) {
        int of = ofWarps[request * Shared::warps + warp];
        most = of > most ? of : most;
      }
      known[request] = most;
    }
    syncBlock();
    return *wrong == 0;
  }

  __device__ void run(const TensorMap *weightMap, const TensorMap *keysMap,
                      const TensorMap *valuesMap, bf16 *ropeKeys) {
    if (threadIndex() < Shared::groupThreads) {
      giveRegisters<fewRegisters>();
      bring(weightMap, ropeKeys);
    } else {
      takeRegisters<manyRegisters>();
      multiply(keysMap, valuesMap);
    }
  }

private:
  /// visit(piece, tile, first) for the block's pairs; whether the piece is another one than before.
  template <typename Visit>
  __device__ void forTiles(const Visit &visit) const {
    int all = 0; // of 32 bits: 2 * heads for each piece of the context of each request
    for (int request = 0; request < C::requests; ++request) {
      all += int(ceilDiv(known[request], pieceKeys)) * tiles;
    }
    int each = int(ceilDiv(all, blockCount())), from = int(blockIndex()) * each;
    int to = from + each < all ? from + each : all, index = from;
    for (int request = 0, before = 0; request < C::requests && index < to; ++request) {
      int count = known[request], piecesOf = int(ceilDiv(count, pieceKeys));
      for (; index < to && index < (before + piecesOf) * tiles; ++index) {
        int start = (index / tiles - before) * pieceKeys, tile = index % tiles;
        int left = count - start;
        visit(Piece{request, start, left < pieceKeys ? left : pieceKeys}, tile,
              index == from || tile == 0);
      }
      before += piecesOf;
    }
  }

  __device__ void bring(const TensorMap *weightMap, bf16 *ropeKeys) {
    int number = 0; ///< of pieces of keys so far
    forTiles([&](const Piece &piece, int tile, bool another) {
      if (another) {
        waitForPhase(latentsEmpty, ++number % 2);
        bringLatents(piece, tile == 0 ? ropeKeys : nullptr);
      }
      if (threadIndex() == 0) {
        for (int p = 0; p < pieces; ++p, ring.next()) {
          ring.waitEmpty();
          arriveExpecting(ring.fullBarrier(), Shared::pieceBytes);
          copyTensor(weights + ring.stage() * Shared::pieceBytes, weightMap, p * boxRowBytes,
                     tile * tileRows, ring.fullBarrier());
        }
      }
    });
  }

  /// Those of keys that are not there become zeros; rope keys are stored where that is asked for.
  __device__ void bringLatents(const Piece &piece, bf16 *ropeKeys) const {
    constexpr int chunk = Shared::chunkBytes / 2, chunks = C::latent / chunk;
    constexpr int ropeChunks = C::rope / chunk;
    static_assert(pieceKeys % C::pageTokens == 0 && C::rope % chunk == 0 && C::width % chunk == 0,
                  "pieces have whole pages, rows whole chunks");
    for (int first = 0; first < pieceKeys; first += C::pageTokens) {
      const bf16 *page = first < piece.count ? cache.page(launch, piece.request,
                                                          (piece.start + first) / C::pageTokens)
                                             : nullptr;
      for (int i = threadIndex(); i < C::pageTokens * chunks; i += Shared::groupThreads) {
        int key = first + i / chunks, at = i % chunks;
        bool there = page && key < piece.count;
        const bf16 *from = there ? page + (key - first) * C::width + at * chunk : cache.pages;
        Shared::copyChunk(latents + at / Shared::chunks * Shared::pieceBytes +
                              Shared::place(key, at % Shared::chunks),
                          from, there);
      }
      for (int i = threadIndex(); ropeKeys && i < C::pageTokens * ropeChunks;
           i += Shared::groupThreads) {
        int key = first + i / ropeChunks, column = i % ropeChunks * chunk;
        Vector<bf16, chunk> zeros{};
        storeVector(ropeKeys + (piece.row() + key) * C::rope + column,
                    page && key < piece.count
                        ? loadVector<chunk>(page + (key - first) * C::width + C::latent + column)
                        : zeros);
      }
    }
    commitCopies();
    waitForCopies<0>();
    syncWarp();
    if (laneIndex() == 0) {
      arrive(latentsFull);
    }
  }

  __device__ void multiply(const TensorMap *keysMap, const TensorMap *valuesMap) {
    int number = 0;
    bool begun = false;
    int warp = warpIndex() - Shared::groupThreads / warpLanes;
    int group = warp / 4, warpRow = group * productRows + warp % 4 * WarpBoxes::rows;
    WarpBoxes out{{}, boxes + warp * Shared::boxesOfWarp * WarpBoxes::boxBytes};
    forTiles([&](const Piece &piece, int tile, bool another) {
      if (another) {
        if (begun) {
          syncWarp();
          if (laneIndex() == 0) {
            arrive(latentsEmpty);
          }
        }
        begun = true;
        waitForPhase(latentsFull, number++ % 2);
        fenceProxy(); // of what cp.async brought
      }
      bool ofValues = tile % 2 == 1;
      float sums[productSums];
      multiplyTile(ofValues, group * productRows * Shared::rowBytes, sums);
      store(out, piece, tile / 2, warpRow, ofValues, ofValues ? valuesMap : keysMap, sums);
    });
    if (laneIndex() == 0) {
      waitForStores<0>();
    }
  }

  /// Of the group's rows, `from` bytes behind the first.
  __device__ void multiplyTile(bool ofValues, int from, float (&sums)[productSums]) {
    int before = 0;
    for (int p = 0; p < pieces; ++p, ring.next()) {
      const unsigned char *ofKeys = latents + p * Shared::pieceBytes;
      const unsigned char *ofWeight = weights + ring.stage() * Shared::pieceBytes;
      uint32 a = uniformWord((ofValues ? ofWeight : ofKeys) + from);
      uint32 b = uniformWord(ofValues ? ofKeys : ofWeight);
      ring.waitFull();
      fenceProducts(sums);
#pragma unroll
      for (int k = 0; k < Shared::rowBytes / productBytes; ++k) {
        constexpr uint32 step = productBytes >> 4;
        multiplyGroup(sums, matrixDescriptor(a + k * step), matrixDescriptor(b + k * step),
                      p > 0 || k > 0);
      }
      commitProducts();
      if (p > 0) {
        waitForProducts<1>(sums);
        ring.release(before);
      }
      before = ring.stage();
    }
    waitForProducts<0>(sums);
    ring.release(before);
  }

  /// Keys that are not there, and values that are no numbers, become zeros.
  __device__ void store(const WarpBoxes &out, const Piece &piece, int head, int warpRow,
                        bool ofValues, const TensorMap *map, const float (&sums)[productSums]) {
    if (laneIndex() == 0) {
      waitForStores<0>(); // what was in the boxes has been stored
    }
    syncWarp();
#pragma unroll
    for (int box = 0; box < Shared::boxesOfWarp; ++box) {
      out.put(box, [&](int i) {
        int key = ofValues ? productColumn(i) : warpRow + productRow(i);
        bool number = !ofValues || absolute(sums[i]) < infinity();
        return toNarrow<bf16>(key < piece.count && number ? sums[i] : 0.0f);
      });
    }
    fenceProxy();
    syncWarp();
    if (laneIndex() == 0) {
      for (int box = 0; box < Shared::boxesOfWarp; ++box) {
        int64 column = ofValues ? piece.row() : int64(head) * nope;
        int64 row = ofValues ? int64(head) * value : piece.row();
        out.store(box, map, column + box * WarpBoxes::columns, row + warpRow);
      }
      commitStores();
    }
  }

  Launch launch;
  C cache;
  SharedArrays shared;
  unsigned char *latents, *weights, *boxes;
  StageRing<Shared::stages> ring;
  Barrier *latentsFull, *latentsEmpty;
  int *known, *ofWarps, *wrong;
};

/// `weightMap` has boxes of a tile's rows, the other two those of WarpBoxes.
template <int heads, int nope, int value, int stages, int64 context, typename C>
__device__ inline void expandLatents(Launch launch, const TensorMap *weightMap,
                                     const TensorMap *keysMap, const TensorMap *valuesMap,
                                     const int32 *positions, const int32 *requests, C cache,
                                     bf16 *ropeKeys, int64 allTokens) {
  if (launch.stopped()) {
    return;
  }
  using Keys = ExpandedKeys<context, C::requests>;
  ExpandLatents<heads, nope, value, stages, C, Keys> work(launch, cache);
  if (work.begin(positions, requests, allTokens)) {
    work.run(weightMap, keysMap, valuesMap, ropeKeys);
  }
}

} // namespace dsv3::gpu
