//===- Pack.h - weights into the layout of a variant ------------*- C++ -*-===//
//
// Copies the rows of a parameter to where plan::PackedShape wants them, or encodes them on
// the way. The work is cut into units of about two megabytes that touch memory of their own,
// so threads can share it in any order and the result is the same.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Layout.h"
#include "runtime/params/ParameterReader.h"

#include <span>

namespace dsv3::runtime {

/// Packs one parameter in one layout. Immutable. The parameter must outlive it.
class Packer {
public:
  Packer(const plan::Parameter &parameter, const plan::Layout &layout);

  uint64_t dataBytes() const { return shape.dataBytes(); }
  uint64_t scaleBytes() const { return shape.scaleBytes(); }

  int64_t unitCount() const { return plan::ceilDiv(lineCount, linesPerUnit); }
  /// Bytes of data that a unit writes.
  uint64_t unitBytes(int64_t unit) const;
  /// Packs unit `unit`. `data` and `scales` are those of the whole parameter; every byte
  /// that belongs to the unit is written. Whether the values are sound: false if there
  /// are NaN codes, scales that no model has, values that cannot be encoded among them or, in a
  /// small parameter (checkpoint::mostValuesLookedAt), values that are not finite.
  [[nodiscard]] bool packUnit(int64_t unit, const ParameterReader &reader,
                              std::span<std::byte> data, std::span<std::byte> scales) const;

private:
  struct Scratch;
  /// Whether its rows could be read.
  [[nodiscard]] bool packLine(int64_t line, const ParameterReader &reader, std::byte *data,
                              Scratch &scratch) const;
  /// Whether the scales are sound.
  bool packScales(int64_t line, const ParameterReader &reader, float *scales,
                  Scratch &scratch) const;
  /// Codes and scales of rows that are encoded. Whether they can be.
  bool packEncoded(int64_t line, const ParameterReader &reader, std::byte *data, std::byte *scales,
                   Scratch &scratch) const;
  [[nodiscard]] bool packLines(int64_t unit, const ParameterReader &reader,
                               std::span<std::byte> data, std::span<std::byte> scales,
                               Scratch &scratch) const;
  [[nodiscard]] bool packEncodedLines(int64_t unit, const ParameterReader &reader,
                                      std::span<std::byte> data, std::span<std::byte> scales,
                                      Scratch &scratch) const;
  /// Gives back the memory that the unit was read from.
  void dropLines(int64_t unit, const ParameterReader &reader) const;
  int64_t firstLine(int64_t unit) const { return unit * linesPerUnit; }
  int64_t endLine(int64_t unit) const { return std::min(lineCount, (unit + 1) * linesPerUnit); }

  const plan::Parameter &parameter;
  plan::PackedShape shape;
  bool panels, dots; ///< dots are panels too
  int64_t width;     ///< rows of a line
  int64_t room;      ///< for columns of a line
  int64_t lineCount; ///< panels, or rows of all groups
  int64_t lineBytes; ///< of data
  int64_t linesPerUnit;
  int64_t scaleColumns; ///< scales of a row
};

} // namespace dsv3::runtime
