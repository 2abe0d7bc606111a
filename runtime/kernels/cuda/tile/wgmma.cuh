//===- wgmma.cuh - a tile of a product by warp groups of sm_90a -*- C++ -*-===//
//
// Some rows times some rows of a weight in each part, bf16 or codes of e4m3, with f32 sums.
// One warp group brings pieces of 128 bytes of a row to shared memory, the weight by TMA, and
// rows, too, where they lie one behind the other in whole boxes, else by cp.async; two others
// multiply 64 x 128 each, beside or below each other. A stage of shared memory is full when both
// sides of a piece have come, empty when both groups have read it, in all blocks that share the
// weight. Stages go on from a tile to the next. Blocks may divide the pieces of a tile.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/tensor_copy.cuh"
#include "runtime/kernels/cuda/tile/boxes.cuh"
#include "runtime/kernels/cuda/tile/depth.cuh"
#include "runtime/kernels/cuda/tile/mma.cuh"
#include "runtime/kernels/cuda/tile/promote.cuh"
#include "runtime/kernels/cuda/tile/quantise.cuh"
#include "runtime/kernels/cuda/tile/sharing.cuh"
#include "runtime/kernels/cuda/tile/turn.cuh"

/// The matrix that the kernel's ARGUMENT points to, of ROWS rows of ROW_BYTES, or so many for each
/// of a SIZE, in boxes of BOX_ROWS, has a TensorMap behind the other parameters; several have
/// theirs in the order of these lines. The driver reads it in the text (dsv3/Plan/GpuKernel.h).
#define DSV3_TENSOR_MAP(ARGUMENT, ROWS, SIZE, ROW_BYTES, BOX_ROWS)                                 \
  static_assert((ROW_BYTES) % 16 == 0 && (BOX_ROWS) <= 256, "what a tensor map takes");

namespace dsv3::gpu {

/// A matrix in shared memory whose rows of 128 bytes are swizzled as copyTensor does, eight of them
/// behind the other eight; `from` is the first byte of row 0 that is multiplied (PTX ISA, "Matrix
/// Descriptor Format").
__device__ inline uint64 matrixDescriptor(const void *from) {
  constexpr uint64 eightRows = 1024 >> 4, ignored = 1, swizzle128 = 1;
  return uint64(sharedAddress(from) >> 4 & 0x3fffu) | ignored << 16 | eightRows << 32 |
         swizzle128 << 62;
}

/// `sharingBlocks` of a cluster have the same columns, and share the weight; where tiles are few up
/// to `depthParts` have the same tile. `stageCount` pieces are in shared memory.
template <int tileRows, int tileColumns, int stageCount, int sharingBlocks, int depthParts = 1>
struct WgmmaTile : TilePiece {
  using Shared = Sharing<sharingBlocks>;
  using Depth = DepthParts<depthParts>;
  static constexpr int sharing = sharingBlocks, mostParts = depthParts;
  static constexpr int rows = tileRows, columns = tileColumns, stages = stageCount;
  static constexpr int groupThreads = 128;
  static constexpr int threads = 3 * groupThreads, groupWarps = groupThreads / warpLanes;
  static constexpr int multiplyingWarps = 2 * groupWarps, multiplying = 2 * groupThreads;
  static constexpr int rowGroups = rows / productRows;
  /// Registers of a thread that brings, and of one that multiplies.
  static constexpr int fewRegisters = 56, manyRegisters = 224;
  /// Pieces whose rows may be on their way by cp.async when one more is waited for.
  static constexpr int ahead = stages - 2;
  static __device__ int emptyArrivals() { return multiplyingWarps * Shared::blocks(); }

  /// Of a piece.
  static constexpr int sideBytes = rows * rowBytes;
  static __device__ constexpr int weightBytes(int parts) { return parts * columns * rowBytes; }
  /// Of the boxes of all warps, so many of each.
  static __device__ constexpr int boxesBytes(int boxes) {
    return multiplyingWarps * boxes * WarpBoxes::boxBytes;
  }
  /// Of pieces and their barriers; and where `group` columns become codes, of their
  /// values; where a warp has `boxes`, of those; else of sums that are turned.
  static __device__ constexpr int sharedBytes(int parts, int group, int boxes) {
    return stages * (sideBytes + weightBytes(parts) + 2 * int(sizeof(Barrier))) +
           (group > 0   ? stagedBytes(rows, group)
            : boxes > 0 ? boxesBytes(boxes)
                        : parts * TurnedSums<1>::bytes(multiplyingWarps));
  }

  static_assert(rowGroups == 1 || rowGroups == 2, "two groups multiply");
  static_assert(rowBytes == 4 * productBytes, "a piece has four products");
  static_assert(ahead + 1 < stages,
                "a stage is empty once the next one, which is full, is multiplied");
  static_assert((fewRegisters + 2 * manyRegisters) * groupThreads <= 65536, "registers there are");

  /// Which of the groups that multiply the thread is in, from 0 on, where its rows begin, and which
  /// columns they meet, in numbers of products.
  static __device__ int warpGroup() { return threadIndex() / groupThreads - 1; }
  static __device__ int groupFirstRow() { return warpGroup() % rowGroups * productRows; }
  static __device__ int groupProduct() { return warpGroup() / rowGroups; }
};

/// Rows that lie one behind the other, and a tensor map of them with boxes of `productRows`.
template <typename R>
struct MappedRows : R {
  const TensorMap *map;
};
template <typename R>
__device__ MappedRows<R> mappedRows(R rows, const TensorMap *map) {
  return {rows, map};
}
template <typename A>
inline constexpr bool isMapped = false;
template <typename R>
inline constexpr bool isMapped<MappedRows<R>> = true;

/// What a block has at a time: rows, and columns of each part of the weight's group.
template <typename RowAt>
struct TileWork {
  RowAt rowAt;
  Place first;  ///< of its rows and columns
  int rowCount; ///< 0 or less: none
};

/// The products of one tile after the other.
template <int parts, int64 partRows, typename Tile, typename W, typename RowAt>
class WgmmaProduct {
public:
  using Work = TileWork<RowAt>;
  using Element = typename W::Element;
  using Shared = typename Tile::Shared;
  static constexpr bool codes = W::scaled, mapped = isMapped<decltype(RowAt::a)>;
  static constexpr int depth = Tile::rowBytes / int(sizeof(Element)); ///< columns of a piece
  static constexpr int chunk = Tile::chunkBytes / int(sizeof(Element));
  /// Columns of a part that a product has, and products side by side.
  static constexpr int productPart = productColumns / parts, products = Tile::columns / productPart;
  static_assert(productColumns % (8 * parts) == 0, "swizzles of all parts begin alike");
  static_assert(Tile::rowGroups * products == 2 && Tile::columns % productPart == 0,
                "each of two groups has a product");
  static_assert(W::depth % chunk == 0 && RowAt::begins % chunk == 0,
                "rows begin on borders of 16 bytes");
  static_assert(!W::prologued, "elements go to the tensor cores as they are stored");
  static_assert(!codes || (sizeof(Element) == 1 && W::block == depth), "a scale for each piece");

  __device__ WgmmaProduct(SharedArrays &shared, const W &weight, const TensorMap *map)
      : weight(weight), map(map) {
    x = shared.take<unsigned char>(Tile::stages * Tile::sideBytes);
    w = shared.take<unsigned char>(Tile::stages * Tile::weightBytes(parts));
  }

  /// All threads of all blocks that share come here, before they bring or multiply. Barriers lie
  /// behind all that begins at multiples of 1024 bytes.
  __device__ void begin(SharedArrays &shared) {
    full = shared.take<Barrier>(Tile::stages);
    empty = shared.take<Barrier>(Tile::stages);
    if (threadIndex() == 0) {
      for (int i = 0; i < Tile::stages; ++i) {
        initBarrier(full + i, mapped ? 1 : Tile::groupWarps + 1);
        initBarrier(empty + i, Tile::emptyArrivals());
      }
      fenceBarrierInit();
    }
    Shared::meet();
  }

  static __device__ bool brings() { return threadIndex() < Tile::groupThreads; }

  /// What the threads that bring do for a tile, which may still be on its way afterwards. They go
  /// on to the next one while this one is multiplied.
  __device__ void bring(const Work &tile) {
    if constexpr (mapped) {
      bringMapped(tile);
    } else {
      bringCopied(tile);
    }
  }
  /// Waits for copies that are still on their way, in the end and before other blocks are met; what
  /// comes by TMA those wait for who multiply.
  __device__ void endBringing() {
    if constexpr (!mapped) {
      waitForCopies<0>();
      while (brought < count) {
        hasBrought();
      }
    }
  }

  /// What the others do: the sums of their product, of the block's pieces.
  __device__ void multiply(const Work &tile, float (&sums)[productSums]) {
    for (int i = 0; i < productSums; ++i) {
      sums[i] = 0.0f;
    }
    if (Tile::groupFirstRow() >= tile.rowCount) {
      skip();
      return;
    }
    Scales scales = scalesOf(tile);
    for (int piece = firstPiece(); piece < endPiece(); ++piece, ++count) {
      waitFor(full + count % Tile::stages, count / Tile::stages);
      if constexpr (!mapped) {
        // Of what cp.async brought, which those who brought it have waited for.
        fenceProxy();
      }
      if constexpr (codes) {
        addScaled(piece, scales, sums);
      } else {
        beginProducts(sums);
        waitForProducts<1>(sums);
        if (piece > firstPiece()) {
          hasRead(count - 1);
        }
      }
    }
    if constexpr (!codes) {
      waitForProducts<0>(sums);
      hasRead(count - 1);
    }
  }

  /// Of all blocks that divide the depth, once the block has its sums.
  __device__ void addUp(const Work &tile, int warpRow, float (&sums)[productSums]) const {
    static_assert(Tile::mostParts == 1 || Tile::Depth::bytes(Tile::multiplying) <=
                                              Tile::stages * Tile::weightBytes(parts),
                  "sums lie where the weight was");
    Tile::Depth::template addUp<Tile::multiplying>(reinterpret_cast<float *>(w),
                                                   threadIndex() - Tile::groupThreads, warpRow,
                                                   tile.rowCount, sums);
  }

  /// Returns when `phase` has ended.
  static __device__ void waitFor(Barrier *barrier, int phase) {
    while (!tryWait(barrier, phase % 2)) {
    }
  }

private:
  static constexpr int pieces = int(ceilDiv(W::depth, depth));
  static __device__ int firstPiece() { return Tile::Depth::first(pieces); }
  static __device__ int endPiece() { return Tile::Depth::end(pieces); }
  using Scales = PieceScales<parts, partRows, W, RowAt>;

  /// Rows by cp.async: all threads copy some.
  __device__ void bringCopied(const Work &tile) {
    PieceCopies<Tile::rows, Tile::groupThreads, W::depth, Element> ofRows(threadIndex(), tile.rowAt,
                                                                          tile.rowCount);
    int wanted = tile.rowCount > productRows ? Tile::rows : productRows;
    ofRows.skip(firstPiece());
    for (int piece = firstPiece(); piece < endPiece(); ++piece, ++count) {
      int stage = count % Tile::stages;
      waitForStage();
      if (threadIndex() == 0) {
        bringWeight(tile, piece, stage);
      }
      ofRows.fetch(x + stage * Tile::sideBytes, wanted);
      commitCopies();
      if (count - brought == Tile::ahead) {
        waitForCopies<Tile::ahead>();
        hasBrought();
      }
    }
  }
  /// Rows by TMA, for which one thread asks. Those of products that have no rows do not come.
  __device__ void bringMapped(const Work &tile) {
    if (threadIndex() != 0) {
      return;
    }
    constexpr int boxBytes = productRows * Tile::rowBytes;
    int boxes = tile.rowCount <= 0 ? 0 : tile.rowCount > productRows ? Tile::rowGroups : 1;
    int column = int(tile.rowAt.firstElement() * sizeof(Element));
    for (int piece = firstPiece(); piece < endPiece(); ++piece, ++count) {
      int stage = count % Tile::stages;
      waitForStage();
      bringWeight(tile, piece, stage, boxes * boxBytes);
      for (int box = 0; box < boxes; ++box) {
        copyTensor(x + stage * Tile::sideBytes + box * boxBytes, tile.rowAt.a.map,
                   column + piece * Tile::rowBytes, int(tile.rowAt.first) + box * productRows,
                   full + stage);
      }
    }
  }
  __device__ void waitForStage() const {
    if (count >= Tile::stages) {
      waitFor(empty + count % Tile::stages, count / Tile::stages - 1);
    }
  }
  /// For one thread, which expects `more` bytes besides.
  __device__ void bringWeight(const Work &tile, int piece, int stage, int more = 0) const {
    unsigned char *to = w + stage * Tile::weightBytes(parts);
    arriveExpecting(full + stage, Tile::weightBytes(parts) + more);
    for (int i = 0; i < products * parts; ++i) {
      int64 row = (tile.first.group * parts + i % parts) * partRows + tile.first.column +
                  i / parts * productPart;
      Shared::template bring<productPart>(to + i * productPart * Tile::rowBytes, map,
                                          piece * Tile::rowBytes, int(row), full + stage);
    }
  }

  /// The thread's rows of the next piece, which it has waited for, are there for those who
  /// multiply: they fence them.
  __device__ void hasBrought() {
    syncWarp();
    if (laneIndex() == 0) {
      arrive(full + brought % Tile::stages);
    }
    ++brought;
  }
  /// What a group does that has no rows.
  __device__ void skip() {
    for (int end = count + endPiece() - firstPiece(); count < end; ++count) {
      waitFor(full + count % Tile::stages, count / Tile::stages);
      hasRead(count);
    }
  }
  __device__ void hasRead(int number) const { Shared::release(empty + number % Tile::stages); }

  /// Begins the products of a piece: they are added to `sums`, of codes they replace them.
  __device__ void beginProducts(float (&sums)[productSums]) const {
    int stage = count % Tile::stages;
    uint64 a =
        matrixDescriptor(x + stage * Tile::sideBytes + Tile::groupFirstRow() * Tile::rowBytes);
    uint64 b = matrixDescriptor(w + stage * Tile::weightBytes(parts) +
                                Tile::groupProduct() * productColumns * Tile::rowBytes);
    fenceProducts(sums);
#pragma unroll
    for (int k = 0; k < Tile::rowBytes / productBytes; ++k) {
      constexpr uint64 step = productBytes >> 4;
      if constexpr (codes) {
        multiplyGroupOfCodes(sums, a + k * step, b + k * step, k > 0);
      } else {
        multiplyGroup(sums, a + k * step, b + k * step);
      }
    }
    commitProducts();
  }

  /// Of the thread's sums of codes.
  __device__ Scales scalesOf(const Work &tile) const {
    return {weight,
            tile.rowAt,
            tile.first.group,
            tile.first.column + Tile::groupProduct() * productPart,
            Tile::groupFirstRow() + warpIndex() % Tile::groupWarps * 16,
            tile.rowCount,
            firstPiece()};
  }
  /// Adds the sums of a piece of codes times their scales; those of the next piece are fetched in
  /// the meantime.
  __device__ void addScaled(int piece, Scales &scales, float (&sums)[productSums]) const {
    float ofPiece[productSums];
    beginProducts(ofPiece);
    auto ofThis = scales.now();
    if (piece + 1 < endPiece()) {
      scales.next(piece + 1);
    }
    waitForProducts<0>(ofPiece);
    hasRead(count);
    ofThis.promote(ofPiece, sums);
  }

  const W &weight;
  const TensorMap *map;
  unsigned char *x, *w;
  Barrier *full = nullptr, *empty = nullptr;
  int count = 0;   ///< pieces that the thread began to bring, or multiplied, so far, of all tiles
  int brought = 0; ///< of which others know
};

} // namespace dsv3::gpu
