//===- Pack.cpp - weights into the layout of a variant --------------------===//
//
// A line is what lies together: a panel, or a row. A panel's rows are interleaved in
// tiles of columns that stay in the first-level cache, so that memory is read and
// written in long runs. Elements that lie side by side are put together in a register
// and stored as one word: single stores of small elements are what limits the speed.
//
//===----------------------------------------------------------------------===//
#include "runtime/params/Pack.h"

#include "dsv3/Checkpoint/TensorMap.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

namespace dsv3::runtime {

static constexpr int64_t bytesPerUnit = 1 << 20;
/// Columns that are interleaved at a time.
static constexpr int64_t tileColumns = 256;

namespace {
/// Stored at once. Neighbours in memory are its bytes from the least significant on.
using Word = uint64_t;
static_assert(std::endian::native == std::endian::little);
} // namespace

/// What a thread needs while it packs a unit.
struct Packer::Scratch {
  std::vector<std::byte> rows; ///< buffers for `width` rows
  std::vector<Elements> lanes; ///< rows in the order in which their elements lie
  std::vector<float> scales;
};

Packer::Packer(const plan::Parameter &parameter, const plan::Layout &layout)
    : parameter(parameter), shape(parameter, layout),
      panels(layout.kind == plan::LayoutKind::Panels), width(panels ? layout.panelWidth : 1) {
  // Words exchange the nibbles of codes, as panels want them; elements one by one and rows, which
  // keep them, do not.
  assert((!panels || byteSize(parameter.type) != 1 ||
          (parameter.type == DType::F8E4M3 && width % int64_t(sizeof(Word)) == 0)) &&
         "a panel of bytes is one of e4m3 codes in whole words");
  int64_t partRows = parameter.rows / parameter.parts;
  lineCount = panels ? parameter.groups * parameter.parts * plan::ceilDiv(partRows, width)
                     : parameter.groups * parameter.rows;
  lineBytes = parameter.columns * width * int64_t(byteSize(parameter.type));
  linesPerUnit = std::max<int64_t>(1, bytesPerUnit / lineBytes);
  scaleColumns =
      parameter.scaleColumns == 0 ? 0 : plan::ceilDiv(parameter.columns, parameter.scaleColumns);
}

uint64_t Packer::unitBytes(int64_t unit) const {
  return uint64_t(endLine(unit) - firstLine(unit)) * uint64_t(lineBytes);
}

/// plan::panelCode of each byte.
static Word panelCodes(Word codes) {
  constexpr Word low = 0x0F0F0F0F0F0F0F0FU;
  return (codes & low) << 4 | (codes >> 4 & low);
}

/// Stores a word of each of `count` columns from `begin` on, `stride` bytes apart: element
/// `lane` of a word is that of lanes[lane]. `adjacent`: all lanes have stride 1.
template <typename T, bool adjacent, size_t... lane>
static void interleaveWords(const Elements *lanes, int64_t begin, int64_t count, int64_t stride,
                            std::byte *out, std::index_sequence<lane...>) {
  constexpr auto size = int64_t(sizeof(T));
  const std::array steps{lanes[lane].stride * size...};
  const std::array from{lanes[lane].first + begin * steps[lane]...};
  auto placed = [&](size_t l, int64_t c) {
    T element;
    std::memcpy(&element, from[l] + c * (adjacent ? size : steps[l]), sizeof element);
    return Word(element) << (8 * sizeof(T) * l);
  };
  for (int64_t c = 0; c < count; ++c) {
    Word word = (placed(lane, c) | ...);
    if constexpr (sizeof(T) == 1) { // codes of e4m3 in a panel; see the constructor
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

/// out[c × lanes.size() + l] = element c of lanes[l].
template <typename T>
static void interleave(std::span<const Elements> lanes, int64_t columns, std::byte *out) {
  constexpr size_t perWord = sizeof(Word) / sizeof(T);
  constexpr std::make_index_sequence<perWord> all;
  auto stride = int64_t(lanes.size() * sizeof(T));
  size_t inWords = lanes.size() / perWord * perWord; // the others, if any, one by one
  for (int64_t begin = 0; begin < columns; begin += tileColumns) {
    int64_t count = std::min(tileColumns, columns - begin);
    std::byte *tile = out + begin * stride;
    for (size_t l = 0; l < inWords; l += perWord) {
      std::span<const Elements> word = lanes.subspan(l, perWord);
      bool adjacent = std::ranges::all_of(word, [](const Elements &e) { return e.stride == 1; });
      std::byte *to = tile + l * sizeof(T);
      if (adjacent) {
        interleaveWords<T, true>(word.data(), begin, count, stride, to, all);
      } else {
        interleaveWords<T, false>(word.data(), begin, count, stride, to, all);
      }
    }
    for (size_t l = inWords; l < lanes.size(); ++l) {
      interleaveElements<T>(lanes[l], begin, count, stride, tile + l * sizeof(T));
    }
  }
}

/// Rows of the parameter that a line holds: `count` of `group`, from `first` on.
namespace {
struct LineRows {
  int64_t group, first, count;
};
} // namespace

static LineRows rowsOfLine(const plan::Parameter &parameter, bool panels, int64_t width,
                           int64_t line) {
  if (!panels) {
    return {line / parameter.rows, line % parameter.rows, 1};
  }
  int64_t partRows = parameter.rows / parameter.parts;
  int64_t partPanels = plan::ceilDiv(partRows, width);
  int64_t inPart = line % partPanels * width, part = line / partPanels % parameter.parts;
  return {line / partPanels / parameter.parts, part * partRows + inPart,
          std::min(width, partRows - inPart)};
}

void Packer::packLine(int64_t line, const ParameterReader &reader, std::byte *data,
                      Scratch &scratch) const {
  auto elementBytes = int64_t(byteSize(parameter.type));
  LineRows rows = rowsOfLine(parameter, panels, width, line);
  // Lanes without a row repeat one zero.
  static constexpr std::array<std::byte, sizeof(Word)> zero{};
  scratch.lanes.assign(size_t(width), {zero.data(), 0});
  for (int64_t j = 0; j < rows.count; ++j) {
    std::byte *buffer = scratch.rows.data() + j * parameter.columns * elementBytes;
    size_t lane = panels ? size_t(shape.lane(j)) : 0;
    scratch.lanes[lane] = reader.row(rows.group, rows.first + j, buffer);
  }
  std::byte *out = data + line * lineBytes;
  if (!panels && scratch.lanes[0].stride == 1) {
    std::memcpy(out, scratch.lanes[0].first, size_t(lineBytes));
  } else if (elementBytes == 1) {
    interleave<uint8_t>(scratch.lanes, parameter.columns, out);
  } else if (elementBytes == 2) {
    interleave<uint16_t>(scratch.lanes, parameter.columns, out);
  } else {
    interleave<uint32_t>(scratch.lanes, parameter.columns, out);
  }
}

static bool areSound(std::span<const float> scales) {
  return checkpoint::findBadScale(scales) == scales.size();
}

/// Panels keep the scales of each row, rows those of each block of rows.
bool Packer::packScales(int64_t line, const ParameterReader &reader, float *scales,
                        Scratch &scratch) const {
  LineRows rows = rowsOfLine(parameter, panels, width, line);
  if (!panels) {
    if (rows.first % parameter.scaleRows != 0) {
      return true;
    }
    float *out = scales + shape.scaleIndex(rows.group, rows.first, 0);
    reader.scales(rows.group, rows.first, out);
    return areSound({out, size_t(scaleColumns)});
  }
  bool sound = true;
  float *out = scales + line * scaleColumns * width;
  std::fill_n(out, scaleColumns * width, 0.0F);
  for (int64_t j = 0; j < rows.count; ++j) {
    int64_t row = rows.first + j;
    if (j == 0 || row % parameter.scaleRows == 0) {
      reader.scales(rows.group, row, scratch.scales.data());
      sound &= areSound(scratch.scales);
    }
    for (int64_t block = 0; block < scaleColumns; ++block) {
      out[block * width + j] = scratch.scales[size_t(block)];
    }
  }
  return sound;
}

bool Packer::packUnit(int64_t unit, const ParameterReader &reader, std::span<std::byte> data,
                      std::span<float> scales) const {
  Scratch scratch;
  scratch.rows.resize(size_t(lineBytes));
  scratch.scales.resize(size_t(scaleColumns));
  for (int64_t line = firstLine(unit); line < endLine(unit); ++line) {
    packLine(line, reader, data.data(), scratch);
    if (scaleColumns != 0 && !packScales(line, reader, scales.data(), scratch)) {
      return false;
    }
  }
  auto written = data.subspan(size_t(firstLine(unit) * lineBytes), size_t(unitBytes(unit)));
  return parameter.type != DType::F8E4M3 ||
         !checkpoint::containsNaNCode(
             {reinterpret_cast<const uint8_t *>(written.data()), written.size()},
             panels ? plan::panelCode(0x7F) : 0x7F);
}

} // namespace dsv3::runtime
