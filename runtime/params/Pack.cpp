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
#include "dsv3/Support/Float.h"
#include "dsv3/Support/WeightEncoding.h"

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
  std::vector<float> scales;   ///< of a row, or of all where rows are encoded
  std::vector<uint8_t> codes;  ///< [width][room], where rows are encoded
};

Packer::Packer(const plan::Parameter &parameter, const plan::Layout &layout)
    : parameter(parameter), shape(parameter, layout),
      panels(layout.kind != plan::LayoutKind::RowMajor),
      dots(layout.kind == plan::LayoutKind::Dots), width(panels ? layout.panelWidth : 1),
      room(plan::roomForColumns(layout.kind, parameter.type, parameter.columns)) {
  // Words exchange the nibbles of e4m3 codes, as panels want them; elements one by one and rows,
  // which keep them, do not.
  assert((!panels || !scaleForm(parameter.type) || width % int64_t(sizeof(Word)) == 0) &&
         "a panel of codes has whole words");
  int64_t partRows = parameter.rows / parameter.parts;
  lineCount = panels ? parameter.groups * parameter.parts * plan::ceilDiv(partRows, width)
                     : parameter.groups * parameter.rows;
  lineBytes = room * width * int64_t(bitSize(parameter.type)) / 8;
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
/// `lane` of a word is that of lanes[lane]. `adjacent`: all lanes have stride 1; `e4m3`: they
/// are codes for a panel.
template <typename T, bool adjacent, bool e4m3, size_t... lane>
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

/// out[c × lanes.size() + l] = element c of lanes[l], of e4m3 for a panel.
template <typename T, bool e4m3 = false>
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
        interleaveWords<T, true, e4m3>(word.data(), begin, count, stride, to, all);
      } else {
        interleaveWords<T, false, e4m3>(word.data(), begin, count, stride, to, all);
      }
    }
    for (size_t l = inWords; l < lanes.size(); ++l) {
      interleaveElements<T>(lanes[l], begin, count, stride, tile + l * sizeof(T));
    }
  }
}

/// Words of two neighbouring columns of bf16 of each row, in dots that have room for `room`.
static void interleaveBf16Dots(std::span<const Elements> rows, int64_t columns, int64_t room,
                               std::byte *out) {
  auto stride = int64_t(rows.size() * sizeof(uint32_t));
  for (int64_t begin = 0; begin < room; begin += tileColumns) {
    int64_t end = std::min(room, begin + tileColumns);
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

/// Words of neighbouring columns of i8 or i4 of each row; `codes` is [width][columns], whole
/// blocks of dots.
static void interleaveCodeDots(DType type, std::span<const uint8_t> codes, int64_t width,
                               int64_t columns, std::byte *out) {
  int64_t inWord = plan::columnsOfDot(type);
  for (int64_t begin = 0; begin < columns; begin += tileColumns) {
    int64_t end = std::min(columns, begin + tileColumns);
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
    size_t lane = dots ? size_t(j) : panels ? size_t(shape.lane(j)) : 0;
    scratch.lanes[lane] = reader.row(rows.group, rows.first + j, buffer);
  }
  std::byte *out = data + line * lineBytes;
  if (!panels && scratch.lanes[0].stride == 1) {
    std::memcpy(out, scratch.lanes[0].first, size_t(lineBytes));
  } else if (dots) {
    interleaveBf16Dots(scratch.lanes, parameter.columns, room, out);
  } else if (elementBytes == 1) {
    interleave<uint8_t, true>(scratch.lanes, parameter.columns, out);
  } else if (elementBytes == 2) {
    interleave<uint16_t>(scratch.lanes, parameter.columns, out);
  } else {
    interleave<uint32_t>(scratch.lanes, parameter.columns, out);
  }
}

/// Words of four vectors of rows in two columns, as dsv3/Plan/Layout.h says; `codes` is
/// [width][columns], the number of columns even.
static void interleaveI4(std::span<const uint8_t> codes, int64_t width, int64_t columns,
                         std::byte *out) {
  int64_t lanes = width / plan::codeVectors;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    for (int64_t column = 0; column < columns; column += plan::columnsOfWord) {
      uint32_t word = 0;
      for (int64_t vector = 0; vector < plan::codeVectors; ++vector) {
        const uint8_t *code = codes.data() + (vector * lanes + lane) * columns + column;
        word |= uint32_t(code[0]) << (4 * vector) | uint32_t(code[1]) << (16 + 4 * vector);
      }
      std::memcpy(out + (column / plan::columnsOfWord * lanes + lane) * int64_t(sizeof word), &word,
                  sizeof word);
    }
  }
}

bool Packer::packEncoded(int64_t line, const ParameterReader &reader, std::byte *data,
                         std::byte *scales, Scratch &scratch) const {
  LineRows rows = rowsOfLine(parameter, panels, width, line);
  int64_t numbers = scaleColumns * scaleForm(parameter.type)->numbers;
  int64_t columns = room;
  // Rows and columns that are not there are zeros.
  scratch.codes.assign(size_t(width * columns), 0);
  scratch.scales.assign(size_t(width * numbers), 0);
  bool sound = true;
  for (int64_t j = 0; j < rows.count; ++j) {
    sound &= reader.encodedRow(rows.group, rows.first + j,
                               std::span(scratch.codes).subspan(size_t(j * columns)),
                               std::span(scratch.scales).subspan(size_t(j * numbers)));
  }
  std::byte *out = data + line * lineBytes;
  if (dots) {
    interleaveCodeDots(parameter.type, scratch.codes, width, columns, out);
  } else if (parameter.type == DType::I4) {
    interleaveI4(scratch.codes, width, columns, out);
  } else {
    scratch.lanes.resize(size_t(width));
    for (int64_t j = 0; j < width; ++j) {
      const uint8_t *row = scratch.codes.data() + j * columns;
      scratch.lanes[size_t(shape.lane(j))] = {reinterpret_cast<const std::byte *>(row), 1};
    }
    interleave<uint8_t>(scratch.lanes, columns, out);
  }
  std::byte *outScales = scales + line * numbers * width * int64_t(sizeof(uint16_t));
  for (int64_t n = 0; n < numbers; ++n) {
    for (int64_t j = 0; j < width; ++j) {
      uint16_t half = floatToF16(scratch.scales[size_t(j * numbers + n)]);
      std::memcpy(outScales + (n * width + j) * int64_t(sizeof half), &half, sizeof half);
    }
  }
  return sound;
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
                      std::span<std::byte> scales) const {
  Scratch scratch;
  if (isScaledAlongRows(parameter.type)) {
    bool sound = true;
    for (int64_t line = firstLine(unit); line < endLine(unit); ++line) {
      sound &= packEncoded(line, reader, data.data(), scales.data(), scratch);
    }
    return sound;
  }
  scratch.rows.resize(size_t(lineBytes));
  scratch.scales.resize(size_t(scaleColumns));
  for (int64_t line = firstLine(unit); line < endLine(unit); ++line) {
    packLine(line, reader, data.data(), scratch);
    if (scaleColumns != 0 &&
        !packScales(line, reader, reinterpret_cast<float *>(scales.data()), scratch)) {
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
