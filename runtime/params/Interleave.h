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

} // namespace dsv3::runtime
