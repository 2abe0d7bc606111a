//===- Collective.cpp - instructions of a whole warp ----------------------===//
//
// Where the elements of a fragment lie: PTX ISA, "Matrix Fragments for mma.m16n8k16 with
// floating point type" and "ldmatrix".
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/sim/Warp.h"

#include <bit>
#include <cstddef>
#include <cstring>

using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

std::string_view sim::nameOf(Wait wait) {
  constexpr std::array<std::string_view, waitCount> names{"run",
                                                          "wait at a barrier of the block",
                                                          "wait at a barrier of the warp",
                                                          "wait at a shuffle",
                                                          "wait at ldmatrix",
                                                          "wait at mma.sync",
                                                          "wait for the phase of a barrier",
                                                          "wait at wgmma",
                                                          "have ended"};
  return names[size_t(wait)];
}

void sim::loadMatrices(std::array<Exchange, warpLanes> &lanes) {
  for (size_t lane = 0; lane < warpLanes; ++lane) {
    for (size_t matrix = 0; matrix < 4; ++matrix) {
      const auto *row = static_cast<const std::byte *>(lanes[matrix * 8 + lane / 4].row);
      std::memcpy(&lanes[lane].words[matrix], row + lane % 4 * 4, 4);
    }
  }
}

/// The two bf16 of a register, the lower half first.
static float lowHalf(uint32_t word) { return std::bit_cast<float>(word << 16); }
static float highHalf(uint32_t word) { return std::bit_cast<float>(word & 0xffff0000U); }

void sim::multiplyMatrices(std::array<Exchange, warpLanes> &lanes) {
  constexpr size_t rows = 16, columns = 8, depth = 16;
  alignas(32) float a[rows][depth], b[depth][columns], c[rows][columns];
  for (size_t lane = 0; lane < warpLanes; ++lane) {
    size_t group = lane / 4, pair = lane % 4 * 2;
    const Exchange &own = lanes[lane];
    for (size_t i = 0; i < 4; ++i) {
      size_t row = group + i % 2 * 8, column = pair + i / 2 * 8;
      a[row][column] = lowHalf(own.words[i]);
      a[row][column + 1] = highHalf(own.words[i]);
    }
    for (size_t i = 0; i < 2; ++i) {
      b[pair + i * 8][group] = lowHalf(own.second[i]);
      b[pair + i * 8 + 1][group] = highHalf(own.second[i]);
      c[group + i * 8][pair] = own.sums[i * 2];
      c[group + i * 8][pair + 1] = own.sums[i * 2 + 1];
    }
  }
  // Products of bf16 are exact in f32. Tensor cores sum in an order of their own.
  for (size_t row = 0; row < rows; ++row) {
    for (size_t k = 0; k < depth; ++k) {
      for (size_t column = 0; column < columns; ++column) {
        c[row][column] += a[row][k] * b[k][column];
      }
    }
  }
  for (size_t lane = 0; lane < warpLanes; ++lane) {
    size_t group = lane / 4, pair = lane % 4 * 2;
    lanes[lane].sums = {c[group][pair], c[group][pair + 1], c[group + 8][pair],
                        c[group + 8][pair + 1]};
  }
}
