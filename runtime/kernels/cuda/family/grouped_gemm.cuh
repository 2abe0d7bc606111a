//===- grouped_gemm.cuh - kern.grouped_gemm ---------------------*- C++ -*-===//
//
// Entries times the weights of their experts. How many entries an expert has is known
// on the device alone: the grid holds the worst case, and each block finds the expert
// in whose blocks it falls, or none. The forms are those of gemm.cuh.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/family/gemm.cuh"

namespace dsv3::gpu {

/// Which entries an expert has: those of one lie behind those of the one before.
struct ContiguousGroups {
  const int32 *offsets;
  __device__ int begin(int expert) const { return offsets[expert]; }
  __device__ int end(int expert) const { return offsets[expert + 1]; }
};
/// Each has room for `capacity`, of which the first are there.
template <int capacity>
struct MaskedGroups {
  const int32 *counts;
  __device__ int begin(int expert) const { return expert * capacity; }
  __device__ int end(int expert) const { return begin(expert) + counts[expert]; }
};

/// Finds the experts of tiles, whose numbers grow from call to call: each expert has its row tiles,
/// as many as its entries need, times all column tiles. Where several blocks have neighbouring row
/// tiles together, it has a multiple of so many, of which the last may have no entries.
template <typename Groups>
class ExpertOfTile {
public:
  int expert = -1;
  int begin = 0, end = 0;         ///< of its entries
  int rowTiles = 0, tileFrom = 0; ///< its first tile

  __device__ ExpertOfTile(const Groups &groups, int experts, int columnTiles, int tileRows,
                          int together = 1)
      : groups(groups), experts(experts), columnTiles(columnTiles), tileRows(tileRows),
        together(together) {}

  /// False if there is no such tile. All lanes of a warp look at 32 experts at a time.
  __device__ bool find(int tile) {
    for (; first < experts; first += warpLanes) {
      int e = first + laneIndex();
      int from = e < experts ? groups.begin(e) : 0, to = e < experts ? groups.end(e) : 0;
      int apart = tileRows * together, rows = (to - from + apart - 1) / apart * together;
      int tiles = rows * columnTiles, until = tiles;
      for (int delta = 1; delta < warpLanes; delta *= 2) {
        int lower = shuffleUp(until, delta);
        until += laneIndex() >= delta ? lower : 0;
      }
      int within = tile - (before + until - tiles);
      bool mine = within >= 0 && within < tiles;
      int found = int(warpBest({mine ? 1.0f : 0.0f, mine ? laneIndex() : noIndex}).index);
      if (found != noIndex) {
        expert = first + found;
        begin = shuffle(from, found);
        end = shuffle(to, found);
        rowTiles = shuffle(rows, found);
        tileFrom = shuffle(before + until - tiles, found);
        return true;
      }
      before += shuffle(until, warpLanes - 1);
    }
    return false;
  }

private:
  Groups groups;
  int experts, columnTiles, tileRows, together;
  int first = 0, before = 0; ///< the experts that are looked at, and tiles of earlier ones
};

/// Entries of an expert that a block has.
struct GroupBlock {
  int64 columnTile = 0;
  int expert = -1; ///< none
  int64 firstRow = 0;
  int rowCount = 0;

  /// Row tile and column tile of the expert. One without entries begins where the expert's do, so
  /// that its first entry is one.
  template <typename Groups>
  __device__ GroupBlock(const ExpertOfTile<Groups> &of, int tileRows, int rowTile, int columnTile)
      : columnTile(columnTile), expert(of.expert), firstRow(of.begin) {
    int before = rowTile * tileRows, left = of.end - of.begin - before;
    if (left > 0) {
      firstRow += before;
      rowCount = left < tileRows ? left : tileRows;
    }
  }
  /// The block's own, in a grid of [row tiles of all experts][column tiles].
  template <typename Groups>
  __device__ GroupBlock(const Groups &groups, int experts, int64 columnTiles, int tileRows) {
    auto columns = int(columnTiles), tile = int(blockIndex());
    ExpertOfTile<Groups> of(groups, experts, columns, tileRows);
    if (of.find(tile)) {
      int within = tile - of.tileFrom;
      *this = GroupBlock(of, tileRows, within / columns, within % columns);
    }
  }
};

/// Row i of the block: that of `a` which the entry names, or the entry's own.
template <typename A, bool indirect>
struct EntryRows {
  using Element = typename A::Element;
  static constexpr int64 begins = A::begins;
  A a;
  const int32 *rows;
  int64 first;
  __device__ int64 rowOf(int64 i) const { return indirect ? rows[first + i] : first + i; }
  __device__ const Element *operator()(int64 i) const { return a.at(rowOf(i)); }
  __device__ float scale(int64 i, int64 block) const { return a.scale(rowOf(i), block); }
  __device__ const float *scales(int64 i) const { return a.scales(rowOf(i)); }
  __device__ int64 firstElement() const { return A::firstOf(0); }
};

/// The place of the block's first entry and column, for blocks of `width` columns.
__device__ inline Place placeOf(const GroupBlock &block, int width) {
  return {block.firstRow, 0, block.expert, block.columnTile * width};
}

template <int parts, int64 columns, int experts, int most, int threads, bool indirect, typename A,
          typename W, typename Groups, typename Epilogue, typename Stage = NoStage>
__device__ inline void groupedGemmRows(Launch launch, A a, const W &weight, const Groups &groups,
                                       const int32 *rows, const Epilogue &epilogue,
                                       const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  constexpr int width = blockColumns<Stage, threads / warpLanes>;
  GroupBlock block(groups, experts, ceilDiv(columns, width), most);
  if (block.expert < 0) {
    return;
  }
  EntryRows<A, indirect> rowAt{a, rows, block.firstRow};
  dotColumns<parts, columns, most, threads, A::begins>(
      weight, rowAt, blockResult<columns>(epilogue, stage, placeOf(block, width), block.rowCount));
}

template <int parts, int64 columns, int experts, bool indirect, typename A, typename W,
          typename Groups, typename Epilogue, typename Stage = NoStage>
__device__ inline void groupedGemmTiles(Launch launch, A a, const W &weight, const Groups &groups,
                                        const int32 *rows, const Epilogue &epilogue,
                                        const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  constexpr int width = blockColumns<Stage, FmaTile::columns>;
  GroupBlock block(groups, experts, ceilDiv(columns, width), FmaTile::rows);
  if (block.expert < 0) {
    return;
  }
  EntryRows<A, indirect> rowAt{a, rows, block.firstRow};
  tileColumns<parts, columns, A::begins>(
      weight, rowAt, blockResult<columns>(epilogue, stage, placeOf(block, width), block.rowCount));
}

template <int parts, int64 columns, int experts, typename Tile, bool indirect, typename A,
          typename W, typename Groups, typename Epilogue, typename Stage = NoStage>
__device__ inline void groupedGemmMma(Launch launch, A a, const W &weight, const Groups &groups,
                                      const int32 *rows, const Epilogue &epilogue,
                                      const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  GroupBlock block(groups, experts, ceilDiv(columns, Tile::columns), Tile::rows);
  if (block.expert < 0) {
    return;
  }
  EntryRows<A, indirect> rowAt{a, rows, block.firstRow};
  mmaColumns<parts, columns, Tile>(
      weight, rowAt,
      blockResult<columns>(epilogue, stage, placeOf(block, Tile::columns), block.rowCount));
}

} // namespace dsv3::gpu
