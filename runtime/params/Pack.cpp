//===- Pack.cpp - weights into the layout of a variant --------------------===//
//
// A line is what lies together: a panel, or a row. A panel's rows are interleaved in
// tiles of columns that stay in the first-level cache, so that memory is read and
// written in long runs.
//
//===----------------------------------------------------------------------===//
#include "runtime/params/Pack.h"

#include "dsv3/Checkpoint/TensorMap.h"

#include <algorithm>
#include <cstring>

namespace dsv3::runtime {

static constexpr int64_t bytesPerUnit = 1 << 20;
/// Columns that are interleaved at a time.
static constexpr int64_t tileColumns = 64;

/// What a thread needs while it packs a unit.
struct Packer::Scratch {
  std::vector<std::byte> rows; ///< buffers for `width` rows
  std::vector<Elements> elements;
  std::vector<float> scales;
};

Packer::Packer(const plan::Parameter &parameter, const plan::Layout &layout)
    : parameter(parameter), shape(parameter, layout),
      panels(layout.kind == plan::LayoutKind::Panels), width(panels ? layout.panelWidth : 1) {
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

/// out[c × width + lane(j)] = element c of row j, for all rows, zero beyond them.
template <typename T>
static void interleave(std::span<const Elements> rows, int64_t columns, int64_t width,
                       const plan::PackedShape &shape, std::byte *out) {
  constexpr auto size = int64_t(sizeof(T));
  for (int64_t begin = 0; begin < columns; begin += tileColumns) {
    int64_t count = std::min(tileColumns, columns - begin);
    for (int64_t j = 0; j < width; ++j) {
      std::byte *to = out + (begin * width + (width == 1 ? 0 : shape.lane(j))) * size;
      if (j >= int64_t(rows.size())) {
        for (int64_t c = 0; c < count; ++c) {
          std::memset(to + c * width * size, 0, sizeof(T));
        }
        continue;
      }
      int64_t stride = rows[size_t(j)].stride * size;
      const std::byte *from = rows[size_t(j)].first + begin * stride;
      for (int64_t c = 0; c < count; ++c) {
        std::memcpy(to + c * width * size, from + c * stride, sizeof(T));
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
  scratch.elements.clear();
  for (int64_t j = 0; j < rows.count; ++j) {
    std::byte *buffer = scratch.rows.data() + j * parameter.columns * elementBytes;
    scratch.elements.push_back(reader.row(rows.group, rows.first + j, buffer));
  }
  std::byte *out = data + line * lineBytes;
  if (!panels && scratch.elements[0].stride == 1) {
    std::memcpy(out, scratch.elements[0].first, size_t(lineBytes));
  } else if (elementBytes == 1) {
    interleave<uint8_t>(scratch.elements, parameter.columns, width, shape, out);
  } else if (elementBytes == 2) {
    interleave<uint16_t>(scratch.elements, parameter.columns, width, shape, out);
  } else {
    interleave<uint32_t>(scratch.elements, parameter.columns, width, shape, out);
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
             {reinterpret_cast<const uint8_t *>(written.data()), written.size()});
}

} // namespace dsv3::runtime
