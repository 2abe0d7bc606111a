//===- Yardstick.cpp - products written by hand ---------------------------===//

#include "runtime/bench/Yardstick.h"

#include "runtime/bench/TeamTask.h"

#include <algorithm>
#include <cstring>
#include <vector>

using namespace dsv3;
using namespace dsv3::runtime;

static constexpr int64_t columns = 2048;   ///< of K
static constexpr int64_t rows = 96;        ///< of a block
static constexpr int64_t kBlock = 128;     ///< columns that are summed in registers
static constexpr int64_t rowStride = 144;  ///< of a block of rows, no power of two
static constexpr int64_t blockPanels = 64; ///< panels that a thread multiplies

namespace {
/// What a thread works on.
struct Block {
  const float *a = nullptr; ///< [rows][rowStride], or one row of `columns`
  float *expanded = nullptr;
  float *out = nullptr;
};
} // namespace

#define DSV3_LOOPS "runtime/bench/YardstickLoops.inc"
#include "runtime/bench/Widths.inc"

/// Memory of one thread: rows, an expanded block and sums.
static std::vector<std::vector<float>> threadMemory(int threads) {
  return std::vector<std::vector<float>>(
      size_t(threads),
      std::vector<float>(size_t(rows * rowStride + kBlock * 32 + rows * 32), 0.0F));
}

static Block blockIn(std::vector<float> &memory) {
  float *a = memory.data(), *expanded = a + rows * rowStride;
  return {a, expanded, expanded + kBlock * 32};
}

double Yardstick::rowBandwidth() {
  int64_t panelElements = columns * (useWide ? 32 : 16);
  int64_t share = int64_t(weights.size()) / 2 / panelElements / team.size() / 4 * 4;
  auto memory = threadMemory(team.size());
  double seconds = secondsOf(team, [&](int thread) {
    const auto *panels = reinterpret_cast<const uint16_t *>(weights.data());
    panels += int64_t(thread) * share * panelElements;
    Block block = blockIn(memory[size_t(thread)]);
    useWide ? wide::multiplyRow(panels, share, block) : narrow::multiplyRow(panels, share, block);
  });
  return double(share) * double(panelElements) * 2 * team.size() / seconds;
}

double Yardstick::blockRate() {
  int64_t panelElements = columns * (useWide ? 32 : 16);
  int64_t fitting = int64_t(weights.size()) / 2 / panelElements / team.size();
  int64_t count = std::min(fitting, blockPanels);
  auto memory = threadMemory(team.size());
  double seconds = secondsOf(team, [&](int thread) {
    const auto *panels = reinterpret_cast<const uint16_t *>(weights.data());
    panels += int64_t(thread) * count * panelElements;
    Block block = blockIn(memory[size_t(thread)]);
    useWide ? wide::multiplyBlock(panels, count, block)
            : narrow::multiplyBlock(panels, count, block);
  });
  return 2.0 * double(rows) * double(count) * double(panelElements) * team.size() / seconds;
}
