//===- Collective.cpp - instructions of a whole warp ----------------------===//
//
// Where the elements of a fragment lie: PTX ISA, "Matrix Fragments for mma.m16n8k16 with
// floating point type", "… for mma.m16n8k32" "ldmatrix" and "stmatrix".
//
//===----------------------------------------------------------------------===//

#include "runtime/drivers/sim/Warp.h"

#include "dsv3/Support/Float.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

using namespace dsv3::runtime;
using namespace dsv3::runtime::sim;

std::string_view runtime::sim::nameOf(Wait wait) {
  constexpr std::array<std::string_view, waitCount> names{"run",
                                                          "wait at a barrier of the block",
                                                          "wait at a barrier of the warp",
                                                          "wait at a shuffle",
                                                          "wait at a ballot",
                                                          "wait at ldmatrix",
                                                          "wait at ldmatrix.trans",
                                                          "wait at mma.sync of bf16",
                                                          "wait at mma.sync of e4m3",
                                                          "wait for the phase of a barrier",
                                                          "wait at wgmma",
                                                          "wait at stmatrix",
                                                          "wait at a barrier of the cluster",
                                                          "wait at a named barrier",
                                                          "have ended"};
  return names[size_t(wait)];
}

void runtime::sim::ballot(std::array<Exchange, warpLanes> &lanes, uint32_t present) {
  uint32_t votes = 0;
  for (size_t lane = 0; lane < warpLanes; ++lane) {
    bool voted = (present >> lane & 1) != 0 && lanes[lane].words[0] != 0;
    votes |= uint32_t(voted) << lane;
  }
  for (Exchange &lane : lanes) {
    lane.words[0] = votes;
  }
}

void runtime::sim::loadMatrices(std::array<Exchange, warpLanes> &lanes) {
  for (size_t lane = 0; lane < warpLanes; ++lane) {
    for (size_t matrix = 0; matrix < 4; ++matrix) {
      const auto *row = static_cast<const std::byte *>(lanes[matrix * 8 + lane / 4].row);
      std::memcpy(&lanes[lane].words[matrix], row + lane % 4 * 4, 4);
    }
  }
}

void runtime::sim::loadTransposed(std::array<Exchange, warpLanes> &lanes) {
  for (size_t lane = 0; lane < warpLanes; ++lane) {
    for (size_t matrix = 0; matrix < 4; ++matrix) {
      for (size_t half = 0; half < 2; ++half) {
        const auto *row =
            static_cast<const std::byte *>(lanes[matrix * 8 + lane % 4 * 2 + half].row);
        std::memcpy(reinterpret_cast<std::byte *>(&lanes[lane].words[matrix]) + half * 2,
                    row + lane / 4 * 2, 2);
      }
    }
  }
}

void runtime::sim::storeMatrices(const std::array<Exchange, warpLanes> &lanes) {
  for (size_t lane = 0; lane < warpLanes; ++lane) {
    for (size_t matrix = 0; matrix < 4; ++matrix) {
      auto *row = static_cast<std::byte *>(lanes[matrix * 8 + lane / 4].to);
      std::memcpy(row + lane % 4 * 4, &lanes[lane].words[matrix], 4);
    }
  }
}

/// The bf16 numbers of a register, the lower half first.
static std::array<float, 2> halves(uint32_t word) {
  return {std::bit_cast<float>(word << 16), std::bit_cast<float>(word & 0xffff0000U)};
}

/// Those of e4m3 codes, the lowest byte first.
static std::array<float, 4> codes(uint32_t word) {
  return {dsv3::f8e4m3ToFloat(uint8_t(word)), dsv3::f8e4m3ToFloat(uint8_t(word >> 8)),
          dsv3::f8e4m3ToFloat(uint8_t(word >> 16)), dsv3::f8e4m3ToFloat(uint8_t(word >> 24))};
}

/// mma.sync.m16n8 with registers that hold `perWord` numbers, which `numbers` gives: register i
/// of a lane has neighbours in a row of a, or a column of b.
template <size_t perWord>
static void multiply(std::array<Exchange, warpLanes> &lanes,
                     std::array<float, perWord> (&numbers)(uint32_t)) {
  constexpr size_t rows = 16, columns = 8, half = 4 * perWord, depth = 2 * half;
  alignas(32) float a[rows][depth], b[depth][columns], c[rows][columns];
  for (size_t lane = 0; lane < warpLanes; ++lane) {
    size_t group = lane / 4, inGroup = lane % 4, pair = inGroup * 2;
    const Exchange &own = lanes[lane];
    for (size_t i = 0; i < 4; ++i) {
      size_t row = group + i % 2 * 8, first = inGroup * perWord + i / 2 * half;
      std::ranges::copy(numbers(own.words[i]), &a[row][first]);
    }
    for (size_t i = 0; i < 2; ++i) {
      auto ofColumn = numbers(own.second[i]);
      for (size_t e = 0; e < perWord; ++e) {
        b[inGroup * perWord + i * half + e][group] = ofColumn[e];
      }
      c[group + i * 8][pair] = own.sums[i * 2];
      c[group + i * 8][pair + 1] = own.sums[i * 2 + 1];
    }
  }
  // Products of bf16 and of e4m3 are exact in f32. Tensor cores sum in an order of their own.
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

void runtime::sim::multiplyMatrices(std::array<Exchange, warpLanes> &lanes) {
  multiply(lanes, halves);
}
void runtime::sim::multiplyCodes(std::array<Exchange, warpLanes> &lanes) { multiply(lanes, codes); }
