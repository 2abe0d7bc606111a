//===- Interleave.h - rows side by side -------------------------*- C++ -*-===//
//
// What packing into panels costs: elements of many rows are brought into the order in
// which a panel has them.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/params/StoredTensor.h"

#include <span>

namespace dsv3::runtime {

/// out[c × lanes.size() + l] = element c of lanes[l], for c < columns. Elements have
/// `elementBytes`: 1, 2 or 4.
void interleave(std::span<const Elements> lanes, int64_t elementBytes, int64_t columns,
                std::byte *out);

/// The same of e4m3 codes, which become plan::panelCode. Precondition: the number of lanes is
/// a multiple of 8.
void interleavePanelCodes(std::span<const Elements> lanes, int64_t columns, std::byte *out);

/// Words of two neighbouring columns of bf16 of each row, in dots (dsv3/Plan/Layout.h) that have
/// room for `room`.
void interleaveBf16Dots(std::span<const Elements> rows, int64_t columns, int64_t room,
                        std::byte *out);

/// Words of neighbouring columns of i8 or i4 of each row; `codes` is [width][columns], whole
/// blocks of dots.
void interleaveCodeDots(DType type, std::span<const uint8_t> codes, int64_t width, int64_t columns,
                        std::byte *out);

} // namespace dsv3::runtime
