//===- MemoryLimits.h - how much memory there is ----------------*- C++ -*-===//
//
// Asks Linux through /proc and /sys; see ControlGroup.h.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <optional>

namespace dsv3 {

/// Bytes that this process can make resident without others losing theirs: what the
/// system has to give, swap included, or less where a control group limits it. Nothing if
/// the system does not say.
std::optional<uint64_t> availableMemory();

} // namespace dsv3
