//===- order.cuh - the tiles of persistent blocks, in order -----*- C++ -*-===//
//
// A persistent kernel is launched with no more blocks than run at once; each has a tile, then
// the one that lies as many further on as there are blocks, and so on. Tiles whose numbers are near
// are computed at the same time: of so many rows and columns of tiles that the L2 has to fetch
// little.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/block.cuh"

/// A line of the text of a kernel whose blocks go on until all tiles are done: the driver, which
/// reads it there, chooses how many there are (dsv3/Plan/GpuKernel.h).
#define DSV3_PERSISTENT static_assert(true, "");

/// A line of the text of a kernel that is launched in clusters, which the driver reads there too:
/// SHARING neighbouring blocks each, or where there are at most FEW_TILES tiles, blocks alone.
/// Where tiles are so few that even times two they are no more than BLOCKS, up to PARTS blocks of a
/// cluster have the same tile.
#define DSV3_CLUSTERS(SHARING, FEW_TILES, PARTS, BLOCKS)                                           \
  static_assert((SHARING) >= 1 && (FEW_TILES) >= 0 && (PARTS) >= 1 && (BLOCKS) >= 0,               \
                "what the driver takes");

namespace dsv3::gpu {

/// Tile number `index` of rowTiles x columnTiles: bands of row tiles, one below the other, and in
/// each the tiles of a column, then those of the next one.
struct BandedTile {
  /// Of a band. With 132 tiles at once these are 8 x 16.5: near the square, which has the least
  /// sides.
  static constexpr int bandRows = 8;

  int row, column;

  __device__ BandedTile(int index, int rowTiles, int columnTiles) {
    int ofBand = bandRows * columnTiles, first = index / ofBand * bandRows;
    int left = rowTiles - first, rows = left < bandRows ? left : bandRows;
    row = first + index % ofBand % rows;
    column = index % ofBand / rows;
  }
};

} // namespace dsv3::gpu
