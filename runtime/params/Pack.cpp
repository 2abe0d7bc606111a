//===- Pack.cpp - weights into the layout of a variant --------------------===//
//
// A line is what lies together: a panel, or a row.
//
//===----------------------------------------------------------------------===//
#include "runtime/params/Pack.h"

#include "dsv3/Checkpoint/TensorMap.h"
#include "dsv3/Support/Float.h"
#include "dsv3/Support/WeightEncoding.h"
#include "runtime/params/Interleave.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace dsv3::runtime {

/// As large as a huge page: a smaller one would have two threads clear the same page, of which
/// the kernel throws one away.
static constexpr int64_t bytesPerUnit = 2 << 20;

/// What a thread needs while it packs a unit.
struct Packer::Scratch {
  std::vector<std::byte> rows;  ///< buffers for `width` rows
  std::vector<Elements> ofRows; ///< in their own order
  std::vector<Elements> lanes;  ///< in the order in which their elements lie
  std::vector<float> scales;    ///< of a row, or of all where rows are encoded
  std::vector<uint8_t> codes;   ///< [width][room], where rows are encoded
};

Packer::Packer(const plan::Parameter &parameter, const plan::Layout &layout)
    : parameter(parameter), shape(parameter, layout),
      panels(layout.kind != plan::LayoutKind::RowMajor),
      dots(layout.kind == plan::LayoutKind::Dots), width(panels ? layout.panelWidth : 1),
      room(plan::roomForColumns(layout.kind, parameter.type, parameter.columns)) {
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

/// Rows of the parameter that a line holds: `count` of `group`, from `first` on.
namespace {
struct LineRows {
  int64_t group, first, count;
};
} // namespace

static LineRows rowsOfLine(const plan::Parameter &parameter, const plan::PackedShape &shape,
                           int64_t width, int64_t line) {
  if (shape.panelCount() == 0) {
    return {line / parameter.rows, line % parameter.rows, 1};
  }
  auto [group, first] = shape.panelBegin(line);
  int64_t partRows = parameter.rows / parameter.parts;
  return {group, first, std::min(width, partRows - first % partRows)};
}

bool Packer::packLine(int64_t line, const ParameterReader &reader, std::byte *data,
                      Scratch &scratch) const {
  auto elementBytes = int64_t(byteSize(parameter.type));
  LineRows rows = rowsOfLine(parameter, shape, width, line);
  // Lanes without a row repeat one zero.
  static constexpr std::array<std::byte, sizeof(float)> zero{};
  scratch.lanes.assign(size_t(width), {zero.data(), 0});
  scratch.ofRows.resize(size_t(rows.count));
  if (!reader.rows(rows.group, rows.first, scratch.rows.data(), scratch.ofRows)) {
    return false;
  }
  for (int64_t j = 0; j < rows.count; ++j) {
    size_t lane = dots ? size_t(j) : panels ? size_t(shape.lane(j)) : 0;
    scratch.lanes[lane] = scratch.ofRows[size_t(j)];
  }
  std::byte *out = data + line * lineBytes;
  if (!panels && scratch.lanes[0].stride == 1) {
    std::memcpy(out, scratch.lanes[0].first, size_t(lineBytes));
  } else if (dots) {
    interleaveBf16Dots(scratch.lanes, parameter.columns, room, out);
  } else if (panels && parameter.type == DType::F8E4M3) {
    interleavePanelCodes(scratch.lanes, parameter.columns, out);
  } else {
    interleave(scratch.lanes, elementBytes, parameter.columns, out);
  }
  return true;
}

/// Two columns of a row in a byte; their number is even.
static void pairI4(std::span<const uint8_t> codes, std::byte *out) {
  for (size_t column = 0; column < codes.size(); column += 2) {
    out[column / 2] = std::byte(codes[column] | codes[column + 1] << 4);
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
  LineRows rows = rowsOfLine(parameter, shape, width, line);
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
  } else if (parameter.type == DType::I4 && !panels) {
    pairI4(scratch.codes, out);
  } else if (parameter.type == DType::I4) {
    interleaveI4(scratch.codes, width, columns, out);
  } else {
    scratch.lanes.resize(size_t(width));
    for (int64_t j = 0; j < width; ++j) {
      const uint8_t *row = scratch.codes.data() + j * columns;
      scratch.lanes[size_t(shape.lane(j))] = {reinterpret_cast<const std::byte *>(row), 1};
    }
    interleave(scratch.lanes, 1, columns, out);
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
  LineRows rows = rowsOfLine(parameter, shape, width, line);
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
  bool sound = isScaledAlongRows(parameter.type)
                   ? packEncodedLines(unit, reader, data, scales, scratch)
                   : packLines(unit, reader, data, scales, scratch);
  dropLines(unit, reader);
  return sound;
}

bool Packer::packEncodedLines(int64_t unit, const ParameterReader &reader,
                              std::span<std::byte> data, std::span<std::byte> scales,
                              Scratch &scratch) const {
  bool sound = true;
  for (int64_t line = firstLine(unit); line < endLine(unit); ++line) {
    sound &= packEncoded(line, reader, data.data(), scales.data(), scratch);
  }
  return sound;
}

bool Packer::packLines(int64_t unit, const ParameterReader &reader, std::span<std::byte> data,
                       std::span<std::byte> scales, Scratch &scratch) const {
  scratch.rows.resize(size_t(lineBytes));
  scratch.scales.resize(size_t(scaleColumns));
  for (int64_t line = firstLine(unit); line < endLine(unit); ++line) {
    if (!packLine(line, reader, data.data(), scratch)) {
      return false;
    }
    if (scaleColumns != 0 &&
        !packScales(line, reader, reinterpret_cast<float *>(scales.data()), scratch)) {
      return false;
    }
  }
  auto written = data.subspan(size_t(firstLine(unit) * lineBytes), size_t(unitBytes(unit)));
  if (parameter.type == DType::F8E4M3) {
    return !checkpoint::containsNaNCode(
        {reinterpret_cast<const uint8_t *>(written.data()), written.size()},
        panels ? plan::panelCode(0x7F) : 0x7F);
  }
  // Panels have other orders of the same values, and zeros.
  bool few =
      parameter.groups * parameter.rows * parameter.columns <= checkpoint::mostValuesLookedAt;
  return !few || checkpoint::findNotFinite(written, parameter.type) ==
                     written.size() / byteSize(parameter.type);
}

void Packer::dropLines(int64_t unit, const ParameterReader &reader) const {
  LineRows rows = rowsOfLine(parameter, shape, width, firstLine(unit));
  for (int64_t line = firstLine(unit) + 1; line < endLine(unit); ++line) {
    LineRows next = rowsOfLine(parameter, shape, width, line);
    if (next.group == rows.group && next.first == rows.first + rows.count) {
      rows.count += next.count;
    } else {
      reader.dropRows(rows.group, rows.first, rows.count);
      rows = next;
    }
  }
  reader.dropRows(rows.group, rows.first, rows.count);
}

} // namespace dsv3::runtime
