//===- PlanFile.h - the binary form of a plan -------------------*- C++ -*-===//
//
// Writes a Plan as bytes, reads it back, and checks that a plan makes sense. The
// file is little-endian: magic, format version, total size, checksum, then the
// fields of Plan.h in their order with fixed-width integers and counted lists.
// The same plan gives the same bytes. A reader of another version refuses it.
//
// Standard library only; used by the compiler, the runtime and dsv3-translate.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace dsv3::plan {

/// Changes whenever a plan of before would be misread.
inline constexpr uint32_t planFormatVersion = 2;

/// The bytes of a plan file.
std::string serialise(const Plan &plan);

/// Reads the bytes of a plan file; `where` names it in failures. Any bytes may
/// be given. The plan that comes back is well formed, not yet valid.
Expected<Plan> parse(std::string_view bytes, const std::string &where);

/// Checks everything that an executor relies on: indices in range, offsets
/// inside the arena, positive sizes without overflow, formals bound, parameters
/// present in the layers that use them, segments inside their tensors. What the code of a kernel
/// relies on is not in a plan: that its arguments are the buffers, and its tiles and scratch memory
/// those, that it was compiled for. A plan changed in these is as much code as the kernels are.
Status validate(const Plan &plan);

} // namespace dsv3::plan
