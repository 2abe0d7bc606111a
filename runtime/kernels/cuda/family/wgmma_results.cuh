//===- wgmma_results.cuh - where sums of warp groups go ---------*- C++ -*-===//
//
// What the threads that multiply do with the sums of a tile: a warp turns them by way of shared
// memory and stores what the epilogue makes of them, or leaves that there for a stage, which needs
// whole rows; rows of bf16 a warp stores by tensor stores. Of a tile whose depth is divided a block
// has some rows alone.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/family/gemm.cuh"
#include "runtime/kernels/cuda/tile/wgmma.cuh"

namespace dsv3::gpu {

/// The sums of all parts that belong to sum i of the first.
template <int parts>
__device__ inline void partsOf(const float (&sums)[productSums], int i, float (&ofRow)[parts]) {
  for (int p = 0; p < parts; ++p) {
    ofRow[p] = sums[p * (productSums / parts) + i];
  }
}

/// One by one.
template <int parts, int64 columns, typename Tile, typename Stage>
class WarpGroupResults {
public:
  /// The block meets before results are stored.
  __device__ explicit WarpGroupResults(SharedArrays &shared) {
    constexpr int floats = isStage<Stage> ? stagedBytes(Tile::rows, Stage::group) / 4
                                          : TurnedSums<parts>::bytes(Tile::multiplyingWarps) / 4;
    staged = shared.take<float>(floats);
  }

  /// The thread's sums of a tile, of whose columns the warp's begin at `firstColumn`, and of whose
  /// rows at `warpRow`.
  template <typename Result>
  __device__ void store(const Result &result, int warpRow, int64 firstColumn,
                        const float (&sums)[productSums]) {
    if (isStage<Stage> && again) {
      meet(); // all have taken what was there
    }
    again = true;
    int warp = warpIndex() - Tile::groupWarps;
    if (Tile::Depth::has(warpRow)) {
      put(result, warp, warpRow, firstColumn, sums);
    }
    if constexpr (isStage<Stage>) {
      meet();
      result.template storeStaged<Tile::multiplyingWarps, 4>(
          staged, warp, [](int row) { return Tile::Depth::has(row); });
    }
  }
  /// After the last tile.
  __device__ void end() const {}

private:
  template <typename Result>
  __device__ void put(const Result &result, int warp, int warpRow, int64 firstColumn,
                      const float (&sums)[productSums]) const {
    constexpr int ofPart = productSums / parts;
#pragma unroll
    for (int first = 0; first < ofPart; first += 16) {
      float fragments[parts][4][4];
      for (int p = 0; p < parts; ++p) {
        for (int i = 0; i < 16; ++i) {
          fragments[p][i / 4][i % 4] = sums[p * ofPart + first + i];
        }
      }
      result.putFragments(staged, warp, warpRow, firstColumn + first * 2, columns, fragments);
    }
  }
  /// The threads that multiply: those that load go on.
  __device__ static void meet() { syncNamed(1, Tile::multiplyingWarps * warpLanes); }

  float *staged; ///< values for the stage, or sums of warps that turn them
  bool again = false;
};

/// In boxes.
template <int parts, int64 columns, typename Tile, typename R>
class WarpGroupResults<parts, columns, Tile, BoxedRows<R>> {
public:
  __device__ explicit WarpGroupResults(SharedArrays &shared)
      : ofAll(shared.take<unsigned char>(Tile::boxesBytes(count))) {}

  template <typename Result>
  __device__ void store(const Result &result, int warpRow, int64 firstColumn,
                        const float (&sums)[productSums]) const {
    if (!Tile::Depth::has(warpRow)) {
      return;
    }
    const BoxedRows<R> &out = result.stage;
    int warp = warpIndex() - Tile::groupWarps;
    WarpBoxes boxes{{}, ofAll + warp * count * WarpBoxes::boxBytes};
    end(); // what was in the boxes has been stored
    syncWarp();
    bool wholeRows = warpRow + WarpBoxes::rows <= result.rowCount;
    auto isWhole = [&](int box) {
      return wholeRows && firstColumn + (box + 1) * WarpBoxes::columns <= columns;
    };
#pragma unroll
    for (int box = 0; box < count; ++box) {
      bool whole = isWhole(box);
      boxes.put(box, [&](int i) {
        int row = warpRow + productRow(i);
        int64 column = firstColumn + productColumn(i);
        bf16 value = {};
        if (row < result.rowCount && column < columns) {
          float ofRow[parts];
          partsOf(sums, i, ofRow);
          value = result.value(row, column, ofRow);
          if (!whole) {
            out.rows.at(result.first.row + row, result.first.head)[column] = value;
          }
        }
        return value;
      });
    }
    fenceProxy();
    syncWarp();
    if (laneIndex() == 0) {
      for (int box = 0; box < count; ++box) {
        if (isWhole(box)) {
          int64 column = R::firstOf(result.first.head) + firstColumn + box * WarpBoxes::columns;
          boxes.store(box, out.map, column, result.first.row + warpRow);
        }
      }
      commitStores();
    }
  }
  __device__ void end() const {
    if (laneIndex() == 0) {
      waitForStores<0>();
    }
  }

private:
  static constexpr int count = WarpBoxes::count(parts); ///< of a warp
  static_assert(count * parts * WarpBoxes::columns == productColumns, "boxes have whole rows");
  unsigned char *ofAll; ///< the boxes of all warps
};

} // namespace dsv3::gpu
