//===- pieces.cuh - a weight on its way to tensor cores ---------*- C++ -*-===//
//
// Pieces of so many columns of some rows of a weight, in shared memory for the fragments of
// mma.cuh: as they are stored, or rounded to bf16 (the prologue of a product). What is rounded
// comes as it is stored, too. Each thread widens the chunks that it copied itself, once for all
// warps that multiply them, and waits for nobody else's.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"
#include "runtime/kernels/cuda/ptx/mma.cuh"
#include "runtime/kernels/cuda/tile/weight.cuh"

namespace dsv3::gpu {

/// Of rows of which a piece is in shared memory.
struct TilePiece {
  /// Bytes of a row of a piece, bytes that a copy moves, and copies of a row.
  static constexpr int rowBytes = 128, chunkBytes = 16, chunks = rowBytes / chunkBytes;

  /// Where a chunk of a row lies in a piece, in bytes: the eight rows that ldmatrix reads at once
  /// are in different banks, and tensor copies swizzle by 128 bytes alike.
  static __device__ int place(int row, int chunkIndex) {
    return row * rowBytes + ((chunkIndex ^ (row % chunks)) * chunkBytes);
  }
  /// Where the chunk lies that is `count` further on in its row, an even number: from one of the
  /// first two, at `place`.
  static __device__ int further(int place, int count) { return place ^ (count * chunkBytes); }
  /// Copies 16 bytes, or zeros; `from` can be read in either case.
  static __device__ void copyChunk(unsigned char *to, const void *from, bool inside) {
    copyAsync(to, from, inside ? chunkBytes : 0);
  }
};

/// A thread's copies of the pieces of `rows` rows of `columns` elements: a chunk of every row that
/// lies so many further on as `threads` have chunks. They know where their rows are.
template <int rows, int threads, int64 columns, typename Element>
class PieceCopies : TilePiece {
public:
  /// `thread` is its number among those that copy. rowAt(i) is row i, of which the first `count`
  /// are there; the others and columns behind the last are zeros.
  template <typename RowAt>
  __device__ PieceCopies(int thread, const RowAt &rowAt, int count)
      : column(thread % chunks * chunk), first(place(thread / chunks, thread % chunks)) {
#pragma unroll
    for (int n = 0; n < ofThread; ++n) {
      int row = thread / chunks + n * apart;
      there[n] = row < count;
      from[n] = rowAt(there[n] ? row : 0) + column;
    }
  }
  /// Leaves out so many pieces.
  __device__ void skip(int pieces) {
#pragma unroll
    for (int n = 0; n < ofThread; ++n) {
      from[n] += pieces * depth;
    }
    column += pieces * depth;
  }
  /// The next piece; only the first `wanted` rows need come.
  __device__ void fetch(unsigned char *to, int wanted = rows) {
#pragma unroll
    for (int n = 0; n < ofThread; ++n) {
      bool inside = there[n] && (columns % depth == 0 || column < columns);
      if (n * apart < wanted) {
        copyChunk(to + first + n * apart * rowBytes,
                  inside || columns % depth == 0 ? from[n] : from[n] - column, inside);
      }
      from[n] += depth;
    }
    column += depth;
  }

private:
  static constexpr int chunk = chunkBytes / int(sizeof(Element));
  static constexpr int depth = rowBytes / int(sizeof(Element));
  static constexpr int apart = threads / chunks, ofThread = rows / apart;
  static_assert(rows % apart == 0, "whole copies");
  static_assert(apart % chunks == 0, "all rows of a thread are swizzled alike");
  static_assert(columns % chunk == 0, "rows begin on borders of 16 bytes");

  int column; ///< of the next piece
  int first;  ///< where the first row's chunk lies in a piece
  const Element *from[ofThread];
  bool there[ofThread];
};

/// Rows of the weight's group from `column` on, of each part, in the stages of a Tile. Those behind
/// a part's, and columns behind the weight's, are zeros.
template <int parts, int64 partRows, typename Tile, typename W>
class StoredPieces {
public:
  static_assert(!W::prologued, "elements go to the tensor cores as they are stored");

  __device__ StoredPieces(const W &weight, int64 group, int64 column, unsigned char *shared)
      : weight(weight), shared(shared), k(threadIndex() % Tile::chunks * chunk),
        place(Tile::place(threadIndex() / Tile::chunks, threadIndex() % Tile::chunks)) {
    int64 row = column + threadIndex() / Tile::chunks, rows = partRows - row;
    left = rows < Tile::columns ? int(rows) : Tile::columns;
    from = weight.row(group, row) + k;
  }
  __device__ unsigned char *at(int piece, int part) const {
    return shared + piece % Tile::stages * Tile::stageBytes(parts) + Tile::rowsBytes +
           part * Tile::partBytes;
  }
  /// Pieces are fetched one after the other.
  __device__ void fetch(int piece) {
#pragma unroll
    for (int p = 0; p < parts; ++p) {
#pragma unroll
      for (int row = 0; row < Tile::columns; row += apart) {
        bool inside = (partRows % Tile::columns == 0 || row < left) &&
                      (W::depth % depth == 0 || k < W::depth);
        Tile::copyChunk(at(piece, p) + place + row * Tile::rowBytes,
                        inside ? from + (p * partRows + row) * W::depth : weight.data, inside);
      }
    }
    from += depth;
    k += depth;
  }
  /// Before the piece is multiplied, when the thread's copies of it are there.
  __device__ void prepare(int) const {}

private:
  static constexpr int chunk = Tile::chunkBytes / int(sizeof(typename W::Element));
  static constexpr int depth = Tile::chunks * chunk; ///< columns of a piece
  /// A thread copies a chunk of every row that lies so many further on.
  static constexpr int apart = Tile::threads / Tile::chunks;
  static_assert(W::depth % chunk == 0, "rows begin on borders of 16 bytes");
  static_assert(Tile::columns % apart == 0, "whole copies");
  static_assert(apart % Tile::chunks == 0, "all rows of a thread are swizzled alike");

  const W &weight;
  unsigned char *shared;
  int k, place; ///< the thread's column of the next piece, and where its first row's chunk lies
  int left;     ///< rows of a part from its first on
  const typename W::Element *from;
};

/// The same of a weight that is rounded: two pieces of bf16, one of which is multiplied, behind the
/// stages of the rows, and behind them the thread's chunks of those that are not widened yet.
template <int parts, int64 partRows, typename Tile, typename W>
class WidenedPieces {
public:
  using Element = typename W::Element;
  static constexpr int depth = Tile::rowBytes / 2; ///< columns of a piece
  /// Columns of a chunk as it is stored, and chunks of a row.
  static constexpr int columns = Tile::chunkBytes / int(sizeof(Element)) * W::Form::columns;
  static constexpr int chunks = depth / columns;
  static_assert(Tile::storedBytes == Tile::columns * chunks * Tile::chunkBytes, "bits of elements");
  static_assert(W::depth % columns == 0, "rows begin on borders of 16 bytes");
  static_assert(!W::scaled || W::block % columns == 0, "a chunk has one scale");

  __device__ WidenedPieces(const W &weight, int64 group, int64 column, unsigned char *shared)
      : weight(weight), group(group), column(column), shared(shared) {
    loadScales(0);
  }
  __device__ unsigned char *at(int piece, int part) const {
    return shared + Tile::stages * Tile::rowsBytes + (piece % 2 * parts + part) * Tile::partBytes;
  }
  __device__ void fetch(int piece) const {
#pragma unroll
    for (int n = 0; n < ofThread; ++n) {
      Chunk chunk(n);
      if (chunk.isThere()) {
        bool inside = isInside(chunk, piece);
        const Element *from = weight.row(group, inside ? rowOf(chunk) : 0);
        Tile::copyChunk(stored(piece, n),
                        inside ? from + columnOf(chunk, piece) / W::Form::columns : weight.data,
                        inside);
      }
    }
  }
  /// Widens the piece, and loads the scales of the next one.
  __device__ void prepare(int piece) {
#pragma unroll
    for (int n = 0; n < ofThread; ++n) {
      Chunk chunk(n);
      if (chunk.isThere()) {
        float values[columns];
        W::template convert<columns>(reinterpret_cast<const Element *>(stored(piece, n)), 0,
                                     before[n], values);
        store(at(piece, chunk.part), chunk, values);
      }
    }
    loadScales(piece + 1);
  }

private:
  static constexpr int all = parts * Tile::columns * chunks; ///< chunks of a piece
  static constexpr int ofThread = (all + Tile::threads - 1) / Tile::threads;

  /// One of a thread's.
  struct Chunk {
    int index, part, row, first; ///< the last its first column in the piece
    __device__ explicit Chunk(int n)
        : index(n * Tile::threads + threadIndex()), part(index / (Tile::columns * chunks)),
          row(index / chunks % Tile::columns), first(index % chunks * columns) {}
    __device__ bool isThere() const { return all % Tile::threads == 0 || index < all; }
  };
  __device__ int64 rowOf(const Chunk &chunk) const {
    return chunk.part * partRows + column + chunk.row;
  }
  __device__ int64 columnOf(const Chunk &chunk, int piece) const {
    return int64(piece) * depth + chunk.first;
  }
  __device__ bool isInside(const Chunk &chunk, int piece) const {
    return column + chunk.row < partRows && columnOf(chunk, piece) < W::depth;
  }
  __device__ unsigned char *stored(int piece, int n) const {
    return at(0, 2 * parts) + piece % Tile::storedStages * (parts * Tile::storedBytes) +
           Chunk(n).index * Tile::chunkBytes;
  }
  __device__ void loadScales(int piece) {
#pragma unroll
    for (int n = 0; n < ofThread; ++n) {
      Chunk chunk(n);
      before[n] = {};
      if (chunk.isThere() && isInside(chunk, piece)) {
        before[n] = weight.scaleBefore(group, rowOf(chunk), columnOf(chunk, piece) / W::block);
      }
    }
  }
  /// Values that the prologue has rounded.
  static __device__ void store(unsigned char *to, const Chunk &chunk,
                               const float (&values)[columns]) {
    constexpr int width = columns < 8 ? columns : 8;
#pragma unroll
    for (int i = 0; i < columns; i += width) {
      Vector<bf16, width> rounded;
      for (int j = 0; j < width; ++j) {
        rounded.values[j] = {uint16(toBits(values[i + j]) >> 16)};
      }
      int at = chunk.first + i;
      storeVector(reinterpret_cast<bf16 *>(to + Tile::place(chunk.row, at / 8)) + at % 8, rounded);
    }
  }

  const W &weight;
  int64 group, column;
  unsigned char *shared;
  ElementScale before[ofThread]; ///< of the next piece
};

/// Those of a Tile.
template <int parts, int64 partRows, typename Tile, typename W, bool widens = Tile::widens>
struct PiecesOf {
  using Type = StoredPieces<parts, partRows, Tile, W>;
};
template <int parts, int64 partRows, typename Tile, typename W>
struct PiecesOf<parts, partRows, Tile, W, true> {
  using Type = WidenedPieces<parts, partRows, Tile, W>;
};

} // namespace dsv3::gpu
