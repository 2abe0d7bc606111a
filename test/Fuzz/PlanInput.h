//===- PlanInput.h - plans behind a sound header ----------------*- C++ -*-===//
#pragma once

#include "dsv3/Plan/Plan.h"

#include <optional>
#include <string_view>

namespace dsv3::fuzz {

/// The plan of a file whose size and checksum are mended first, as an attacker would;
/// nothing if it is malformed. Also reads the bytes as they are.
std::optional<plan::Plan> planOf(std::string_view bytes);

} // namespace dsv3::fuzz
