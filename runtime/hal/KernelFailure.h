//===- KernelFailure.h - what the code of a kernel means --------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstdint>
#include <string>

namespace dsv3::runtime {

/// The failure of a step in which a kernel gave `code`, a plan::KernelError that is not None;
/// `where` names entry, layer and kernel.
Failure kernelFailure(int32_t code, std::string where);

} // namespace dsv3::runtime
