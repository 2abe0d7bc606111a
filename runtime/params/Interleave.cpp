//===- Interleave.cpp - rows side by side ---------------------------------===//
//
// Rows that lie in memory one element behind the other are transposed in registers, in
// square blocks: as many rows and columns as a register has elements. Other rows (columns
// of a stored matrix) and what is left over are put together a word at a time: single
// stores of small elements are what limits the speed. All go through tiles of columns
// that stay in the first-level cache, so that memory is read and written in long runs.
//
//===----------------------------------------------------------------------===//
#include "runtime/params/Interleave.h"

#include "dsv3/Plan/Layout.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

namespace dsv3::runtime {

/// Of a row in a tile: a line of a cache.
static constexpr int64_t tileBytes = 64;
/// How far ahead of its use a row is asked for: so many short runs are more than processors
/// foresee.
static constexpr int64_t bytesAhead = 128;

namespace {
/// Stored at once. Neighbours in memory are its bytes from the least significant on.
using Word = uint64_t;
static_assert(std::endian::native == std::endian::little);

/// A register that every x86-64 has. g++ loses the attribute of an alias that depends on T.
template <typename T>
struct RegisterOf {
  typedef T type __attribute__((vector_size(16)));
};
template <typename T>
using Register = typename RegisterOf<T>::type;
template <typename T>
constexpr size_t registerLanes = 16 / sizeof(T);
/// A row in each register.
template <typename T>
struct Block {
  Register<T> rows[registerLanes<T>];
};
} // namespace

/// plan::panelCode of each byte.
template <typename Bytes>
static Bytes panelCodes(Bytes codes) {
  if constexpr (sizeof(Bytes) == sizeof(Word)) {
    constexpr Word low = 0x0F0F0F0F0F0F0F0FU;
    return (codes & low) << 4 | (codes >> 4 & low);
  } else {
    return codes << 4 | codes >> 4;
  }
}

/// Elements of both from the first (second = false) or second half on, in turn.
template <typename T, bool second, size_t... i>
static Register<T> zip(Register<T> a, Register<T> b, std::index_sequence<i...>) {
  constexpr size_t lanes = registerLanes<T>, from = second ? lanes / 2 : 0;
  return __builtin_shufflevector(a, b, (from + i / 2 + i % 2 * lanes)...);
}

/// Transposes the block of registerLanes<T> rows and columns from column `begin` on.
template <typename T, bool e4m3>
static void transposeBlock(const Elements *rows, int64_t begin, int64_t stride, std::byte *out) {
  constexpr size_t lanes = registerLanes<T>;
  constexpr std::make_index_sequence<lanes> all;
  Block<T> block, zipped;
  // Loops are unrolled, so that rows stay in registers.
#pragma GCC unroll 16
  for (size_t i = 0; i < lanes; ++i) {
    std::memcpy(&block.rows[i], rows[i].first + begin * int64_t(sizeof(T)), sizeof block.rows[i]);
  }
  // Each round brings the rows i and i + lanes / 2 side by side.
#pragma GCC unroll 8
  for (size_t distance = 1; distance < lanes; distance *= 2) {
#pragma GCC unroll 16
    for (size_t i = 0; i < lanes / 2; ++i) {
      zipped.rows[2 * i] = zip<T, false>(block.rows[i], block.rows[i + lanes / 2], all);
      zipped.rows[2 * i + 1] = zip<T, true>(block.rows[i], block.rows[i + lanes / 2], all);
    }
    block = zipped;
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < lanes; ++i) {
    if constexpr (e4m3) {
      block.rows[i] = panelCodes(block.rows[i]);
    }
    std::memcpy(out + int64_t(i) * stride, &block.rows[i], sizeof block.rows[i]);
  }
}

/// Stores a word of each of `count` columns from `begin` on, `stride` bytes apart: element
/// `lane` of a word is that of lanes[lane].
template <typename T, bool e4m3, size_t... lane>
static void interleaveWords(const Elements *lanes, int64_t begin, int64_t count, int64_t stride,
                            std::byte *out, std::index_sequence<lane...>) {
  const std::array steps{lanes[lane].stride * int64_t(sizeof(T))...};
  const std::array from{lanes[lane].first + begin * steps[lane]...};
  auto placed = [&](size_t l, int64_t c) {
    T element;
    std::memcpy(&element, from[l] + c * steps[l], sizeof element);
    return Word(element) << (8 * sizeof(T) * l);
  };
  for (int64_t c = 0; c < count; ++c) {
    Word word = (placed(lane, c) | ...);
    if constexpr (e4m3) {
      word = panelCodes(word);
    }
    std::memcpy(out + c * stride, &word, sizeof word);
  }
}

/// The same for one lane.
template <typename T>
static void interleaveElements(const Elements &lane, int64_t begin, int64_t count, int64_t stride,
                               std::byte *out) {
  int64_t step = lane.stride * int64_t(sizeof(T));
  const std::byte *from = lane.first + begin * step;
  for (int64_t c = 0; c < count; ++c) {
    std::memcpy(out + c * stride, from + c * step, sizeof(T));
  }
}

/// `count` columns from `begin` on of lanes wherever their elements are.
template <typename T, bool e4m3>
static void interleaveAny(std::span<const Elements> lanes, int64_t begin, int64_t count,
                          int64_t stride, std::byte *out) {
  constexpr size_t perWord = sizeof(Word) / sizeof(T);
  constexpr std::make_index_sequence<perWord> all;
  size_t inWords = lanes.size() / perWord * perWord; // the others, if any, one by one
  for (size_t l = 0; l < inWords; l += perWord) {
    interleaveWords<T, e4m3>(&lanes[l], begin, count, stride, out + l * sizeof(T), all);
  }
  for (size_t l = inWords; l < lanes.size(); ++l) {
    interleaveElements<T>(lanes[l], begin, count, stride, out + l * sizeof(T));
  }
}

/// The same for rows, as many as a register has lanes, in one tile of columns.
template <typename T, bool e4m3>
static void interleaveRows(std::span<const Elements> rows, int64_t begin, int64_t count,
                           int64_t stride, std::byte *out) {
  constexpr auto block = int64_t(registerLanes<T>);
  for (const Elements &row : rows) {
    __builtin_prefetch(row.first + begin * int64_t(sizeof(T)) + bytesAhead);
  }
  int64_t inBlocks = count / block * block;
  for (int64_t c = 0; c < inBlocks; c += block) {
    transposeBlock<T, e4m3>(rows.data(), begin + c, stride, out + c * stride);
  }
  if (inBlocks < count) {
    interleaveAny<T, e4m3>(rows, begin + inBlocks, count - inBlocks, stride,
                           out + inBlocks * stride);
  }
}

template <typename T, bool e4m3 = false>
static void interleaveTiles(std::span<const Elements> lanes, int64_t columns, std::byte *out) {
  constexpr int64_t tileColumns = tileBytes / int64_t(sizeof(T));
  auto stride = int64_t(lanes.size() * sizeof(T));
  for (int64_t begin = 0; begin < columns; begin += tileColumns) {
    int64_t count = std::min(tileColumns, columns - begin);
    for (size_t l = 0; l < lanes.size(); l += registerLanes<T>) {
      std::byte *to = out + begin * stride + int64_t(l * sizeof(T));
      auto some = lanes.subspan(l, std::min(registerLanes<T>, lanes.size() - l));
      bool rows = some.size() == registerLanes<T> &&
                  std::ranges::all_of(some, [](const Elements &e) { return e.stride == 1; });
      auto store = rows ? interleaveRows<T, e4m3> : interleaveAny<T, e4m3>;
      store(some, begin, count, stride, to);
    }
  }
}

void interleave(std::span<const Elements> lanes, int64_t elementBytes, int64_t columns,
                std::byte *out) {
  auto tiles = elementBytes == 1   ? interleaveTiles<uint8_t>
               : elementBytes == 2 ? interleaveTiles<uint16_t>
                                   : interleaveTiles<uint32_t>;
  tiles(lanes, columns, out);
}

void interleavePanelCodes(std::span<const Elements> lanes, int64_t columns, std::byte *out) {
  assert(lanes.size() % sizeof(Word) == 0 && "single elements keep their nibbles");
  interleaveTiles<uint8_t, true>(lanes, columns, out);
}

/// Columns of dots that are made at a time: of all rows they stay in the first-level cache.
static constexpr int64_t dotTileColumns = 256;

void interleaveBf16Dots(std::span<const Elements> rows, int64_t columns, int64_t room,
                        std::byte *out) {
  auto stride = int64_t(rows.size() * sizeof(uint32_t));
  for (int64_t begin = 0; begin < room; begin += dotTileColumns) {
    int64_t end = std::min(room, begin + dotTileColumns);
    for (size_t j = 0; j < rows.size(); ++j) {
      auto element = [&](int64_t column) {
        uint16_t bits = 0;
        if (column < columns) {
          std::memcpy(&bits, rows[j].first + column * rows[j].stride * int64_t(sizeof bits),
                      sizeof bits);
        }
        return uint32_t(bits);
      };
      for (int64_t c = begin; c < end; c += 2) {
        uint32_t word = element(c) | element(c + 1) << 16;
        std::memcpy(out + c / 2 * stride + int64_t(j * sizeof word), &word, sizeof word);
      }
    }
  }
}

void interleaveCodeDots(DType type, std::span<const uint8_t> codes, int64_t width, int64_t columns,
                        std::byte *out) {
  int64_t inWord = plan::columnsOfDot(type);
  for (int64_t begin = 0; begin < columns; begin += dotTileColumns) {
    int64_t end = std::min(columns, begin + dotTileColumns);
    for (int64_t j = 0; j < width; ++j) {
      for (int64_t c = begin; c < end; c += inWord) {
        const uint8_t *code = codes.data() + j * columns + c;
        uint32_t word = 0, high = 0;
        std::memcpy(&word, code, sizeof word);
        if (type == DType::I4) {
          std::memcpy(&high, code + sizeof word, sizeof high);
          word |= high << 4;
        }
        std::memcpy(out + (c / inWord * width + j) * int64_t(sizeof word), &word, sizeof word);
      }
    }
  }
}

} // namespace dsv3::runtime
