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
#include "runtime/kernels/cuda/tile/stages.cuh"
#include "runtime/kernels/cuda/tile/turn.cuh"

/// The matrix that the kernel's ARGUMENT points to, of ROWS rows of ROW_BYTES, or so many for each
/// of a SIZE, in boxes of BOX_ROWS, has a TensorMap behind the other parameters; several have
/// theirs in the order of these lines. The driver reads it in the text (dsv3/Plan/GpuKernel.h).
#define DSV3_TENSOR_MAP(ARGUMENT, ROWS, SIZE, ROW_BYTES, BOX_ROWS)                                 \
  static_assert((ROW_BYTES) % 16 == 0 && (BOX_ROWS) <= 256, "what a tensor map takes");

namespace dsv3::gpu {

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
  static_assert(fewRegisters + 2 * manyRegisters <= 3 * 168,
                "registers of a launch of 384 threads");

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
    if (!brings()) {
      releases = typename Shared::Releases(empty);
      rowsWord = matrixWord(x + Tile::groupFirstRow() * Tile::rowBytes);
      weightWord = matrixWord(w + Tile::groupProduct() * productColumns * Tile::rowBytes);
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
      for (; onTheirWay > 0; --onTheirWay) {
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
    } else if constexpr (codes) {
      multiplyCodes(tile, sums);
    } else {
      int last = turn.stage;
      for (int piece = firstPiece(); piece < endPiece(); ++piece) {
        beginProducts(sums);
        waitForProducts<1>(sums);
        if (piece > firstPiece()) {
          hasRead(last);
        }
        last = turn.stage;
        turn.next();
      }
      waitForProducts<0>(sums);
      hasRead(last);
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

  /// Returns when the phase of that parity has ended.
  static __device__ void waitFor(Barrier *barrier, int parity) {
    while (!tryWait(barrier, parity)) {
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
    for (int piece = firstPiece(); piece < endPiece(); ++piece) {
      waitForStage();
      if (threadIndex() == 0) {
        bringWeight(tile, piece);
      }
      ofRows.fetch(x + turn.stage * Tile::sideBytes, wanted);
      commitCopies();
      turn.next();
      if (onTheirWay == Tile::ahead) {
        waitForCopies<Tile::ahead>();
        hasBrought();
      } else {
        ++onTheirWay;
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
    for (int piece = firstPiece(); piece < endPiece(); ++piece) {
      waitForStage();
      bringWeight(tile, piece, boxes * boxBytes);
      for (int box = 0; box < boxes; ++box) {
        copyTensor(x + turn.stage * Tile::sideBytes + box * boxBytes, tile.rowAt.a.map,
                   column + piece * Tile::rowBytes, int(tile.rowAt.first) + box * productRows,
                   full + turn.stage);
      }
      turn.next();
    }
  }
  /// The phase before the first of a barrier has ended.
  __device__ void waitForStage() const { waitFor(empty + turn.stage, turn.parity ^ 1); }
  /// For one thread, which expects `more` bytes besides.
  __device__ void bringWeight(const Work &tile, int piece, int more = 0) const {
    unsigned char *to = w + turn.stage * Tile::weightBytes(parts);
    arriveExpecting(full + turn.stage, Tile::weightBytes(parts) + more);
    for (int i = 0; i < products * parts; ++i) {
      int64 row = (tile.first.group * parts + i % parts) * partRows + tile.first.column +
                  i / parts * productPart;
      Shared::template bring<productPart>(to + i * productPart * Tile::rowBytes, map,
                                          piece * Tile::rowBytes, int(row), full + turn.stage);
    }
  }

  /// The thread's rows of the next piece, which it has waited for, are there for those who
  /// multiply: they fence them.
  __device__ void hasBrought() {
    syncWarp();
    if (laneIndex() == 0) {
      arrive(full + told.stage);
    }
    told.next();
  }
  /// What a group does that has no rows.
  __device__ void skip() {
    for (int piece = firstPiece(); piece < endPiece(); ++piece) {
      waitFor(full + turn.stage, turn.parity);
      hasRead(turn.stage);
      turn.next();
    }
  }
  __device__ void hasRead(int stage) const { releases.arrive(stage); }

  /// Begins the products of the next piece, once it is there: they are added to `sums`, of codes
  /// they replace them.
  __device__ void beginProducts(float (&sums)[productSums]) const {
    // What a lane says to all the compiler knows to be alike: it keeps that in uniform registers,
    // where matrix descriptors have to be. Otherwise each word is brought there for each product.
    uint32 a = shuffle(int(rowsWord) + turn.stage * (Tile::sideBytes >> 4), 0);
    uint32 b = shuffle(int(weightWord) + turn.stage * (Tile::weightBytes(parts) >> 4), 0);
    waitFor(full + turn.stage, turn.parity);
    if constexpr (!mapped) {
      fenceProxy(); // of what cp.async brought, which those who brought it have waited for
    }
    fenceProducts(sums);
#pragma unroll
    for (int k = 0; k < Tile::rowBytes / productBytes; ++k) {
      constexpr uint32 step = productBytes >> 4;
      if constexpr (codes) {
        multiplyGroupOfCodes(sums, matrixDescriptor(a + k * step), matrixDescriptor(b + k * step),
                             k > 0);
      } else {
        multiplyGroup(sums, matrixDescriptor(a + k * step), matrixDescriptor(b + k * step));
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
            tile.rowCount};
  }
  /// Scales of several pieces come at once: while these are multiplied those of the next are on
  /// their way. At the borders of a divided depth pieces go one by one.
  __device__ void multiplyCodes(const Work &tile, float (&sums)[productSums]) {
    constexpr int width = Scales::width;
    Scales scales = scalesOf(tile);
    scales.fetch(firstPiece() / width * width);
    auto fetchFrom = [&](int piece) {
      if (piece < endPiece()) {
        scales.fetch(piece);
      }
    };
    for (int piece = firstPiece(); piece < endPiece();) {
      int next = piece / width * width + width;
      if (Tile::mostParts == 1 || (piece + width == next && next <= endPiece())) {
        typename Scales::OfPiece ofPieces[width];
#pragma unroll
        for (int i = 0; i < width; ++i) {
          addScaled(sums, [&] {
            if (i == 0) {
              for (int j = 0; j < width; ++j) {
                ofPieces[j] = scales.at(j);
              }
              fetchFrom(next);
            }
            return ofPieces[i];
          });
        }
        piece = next;
      } else {
        addScaled(sums, [&] {
          auto ofPiece = scales.at(piece % width);
          if (piece + 1 == next) {
            fetchFrom(next);
          }
          return ofPiece;
        });
        ++piece;
      }
    }
  }
  /// Adds the sums of the next piece times its scales, which scalesOf() says in the meantime.
  template <typename ScalesOf>
  __device__ void addScaled(float (&sums)[productSums], const ScalesOf &scalesOf) {
    float ofPiece[productSums];
    beginProducts(ofPiece);
    auto scales = scalesOf();
    waitForProducts<0>(ofPiece);
    hasRead(turn.stage);
    turn.next();
    scales.promote(ofPiece, sums);
  }

  const W &weight;
  const TensorMap *map;
  unsigned char *x, *w;
  Barrier *full = nullptr, *empty = nullptr;
  typename Shared::Releases releases;  ///< of those that multiply
  uint32 rowsWord = 0, weightWord = 0; ///< of the group's matrices in the first stage
  StageTurn<Tile::stages> turn;        ///< of the piece that the thread brings or multiplies next
  StageTurn<Tile::stages> told;        ///< of the next whose rows are on their way
  int onTheirWay = 0;                  ///< pieces
};

} // namespace dsv3::gpu
