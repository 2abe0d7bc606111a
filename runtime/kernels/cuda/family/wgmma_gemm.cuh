//===- wgmma_gemm.cuh - products on warp groups of sm_90a -------*- C++ -*-===//
//
// kern.gemm and kern.grouped_gemm for many rows of bf16 or of codes: the forms WgmmaTiles and
// WgmmaPairs. Persistent: a block has one tile after the other, and while its results are stored
// the next one is on its way, unless blocks divide the depth of their tile. `map` is the tensor map
// of the weight.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/family/grouped_gemm.cuh"
#include "runtime/kernels/cuda/family/wgmma_results.cuh"
#include "runtime/kernels/cuda/tile/order.cuh"
#include "runtime/kernels/cuda/tile/wgmma.cuh"

namespace dsv3::gpu {

/// The block's tiles of kern.gemm. Blocks that share the weight have neighbouring rows of tiles, of
/// which the last may have no rows.
template <int64 columns, int64 heads, typename Tile, typename A>
struct GemmTiles {
  using RowAt = RowsFrom<A>;
  A a;
  int64 allRows;

  /// visit(TileWork) for each.
  template <typename Visit>
  __device__ void forEach(const Visit &visit) const {
    constexpr int columnTiles = int(ceilDiv(columns, Tile::columns));
    static_assert(BandedTile::bandRows % Tile::sharing == 0, "blocks that share are in a band");
    int blocks = Tile::Shared::blocks();
    auto rowTiles = int(ceilDiv(allRows, Tile::rows * blocks)) * blocks;
    int64 tiles = int64(rowTiles) * columnTiles * heads;
    for (int64 index = blockIndex(); index < tiles; index += blockCount()) {
      BandedTile tile(int(index), rowTiles, columnTiles * int(heads));
      int64 firstRow = int64(tile.row) * Tile::rows, left = allRows - firstRow;
      int64 head = tile.column / columnTiles;
      Place first{firstRow, head, head, int64(tile.column % columnTiles) * Tile::columns};
      visit(
          TileWork<RowAt>{{a, firstRow, head}, first, int(left < Tile::rows ? left : Tile::rows)});
    }
  }
};

/// Those of kern.grouped_gemm. Blocks that share a weight have neighbouring rows of an expert's.
template <int64 columns, int experts, typename Tile, bool indirect, typename A, typename Groups>
struct GroupedGemmTiles {
  using RowAt = EntryRows<A, indirect>;
  A a;
  Groups groups;
  const int32 *rows;

  template <typename Visit>
  __device__ void forEach(const Visit &visit) const {
    constexpr int columnTiles = int(ceilDiv(columns, Tile::columns));
    static_assert(BandedTile::bandRows % Tile::sharing == 0, "blocks that share are in a band");
    ExpertOfTile<Groups> of(groups, experts, columnTiles, Tile::rows, Tile::Shared::blocks());
    for (auto index = int(blockIndex()); of.find(index); index += int(blockCount())) {
      BandedTile tile(index - of.tileFrom, of.rowTiles, columnTiles);
      GroupBlock block(of, Tile::rows, tile.row, tile.column);
      visit(TileWork<RowAt>{
          {a, rows, block.firstRow}, placeOf(block, Tile::columns), block.rowCount});
    }
  }
};

/// All of the block's tiles.
template <int parts, int64 columns, typename Tile, typename W, typename Tiles, typename Epilogue,
          typename Stage>
__device__ inline void wgmmaTiles(const W &weight, const TensorMap *map, const Tiles &tiles,
                                  const Epilogue &epilogue, const Stage &stage) {
  static_assert(blockColumns<Stage, Tile::columns> == Tile::columns, "a block has one tile");
  using Work = TileWork<typename Tiles::RowAt>;
  using Product = WgmmaProduct<parts, columns, Tile, W, typename Tiles::RowAt>;
  using Depth = typename Tile::Depth;
  SharedArrays shared;
  Product product(shared, weight, map);
  WarpGroupResults<parts, columns, Tile, Stage> results(shared);
  product.begin(shared);
  if (product.brings()) {
    giveRegisters<Tile::fewRegisters>();
    tiles.forEach([&](const Work &tile) {
      product.bring(tile);
      if (Depth::divided()) {
        product.endBringing();
        Depth::standBy();
      }
    });
    product.endBringing();
  } else {
    takeRegisters<Tile::manyRegisters>();
    tiles.forEach([&](const Work &tile) {
      float sums[productSums];
      int warpRow = Tile::groupFirstRow() + warpIndex() % Tile::groupWarps * 16;
      product.multiply(tile, sums);
      if (Depth::divided()) {
        product.addUp(tile, warpRow, sums);
      }
      results.store(blockResult<columns>(epilogue, stage, tile.first, tile.rowCount), warpRow,
                    tile.first.column + Tile::groupProduct() * Product::productPart, sums);
    });
    results.end();
  }
  Tile::Shared::leave();
}

template <int parts, int64 columns, int64 heads, typename Tile, typename A, typename W,
          typename Epilogue, typename Stage = NoStage>
__device__ inline void gemmWgmma(Launch launch, const TensorMap *map, A a, const W &weight,
                                 int64 allRows, const Epilogue &epilogue, const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  using Tiles = GemmTiles<columns, heads, Tile, A>;
  wgmmaTiles<parts, columns, Tile>(weight, map, Tiles{a, allRows}, epilogue, stage);
}

template <int parts, int64 columns, int experts, typename Tile, bool indirect, typename A,
          typename W, typename Groups, typename Epilogue, typename Stage = NoStage>
__device__ inline void groupedGemmWgmma(Launch launch, const TensorMap *map, A a, const W &weight,
                                        const Groups &groups, const int32 *rows,
                                        const Epilogue &epilogue, const Stage &stage = {}) {
  if (launch.stopped()) {
    return;
  }
  using Tiles = GroupedGemmTiles<columns, experts, Tile, indirect, A, Groups>;
  wgmmaTiles<parts, columns, Tile>(weight, map, Tiles{a, groups, rows}, epilogue, stage);
}

} // namespace dsv3::gpu
