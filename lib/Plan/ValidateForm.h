//===- ValidateForm.h - is there one way to write a plan --------*- C++ -*-===//
//
// The part of validate() that concerns names and unused fields. Private to
// lib/Plan.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"

namespace dsv3::plan::detail {

/// Names that text refers to are unique; fields without a meaning have their
/// defaults. So equal meaning is equal bytes, and the plan dialect, which writes
/// names for indices and leaves defaults out, loses nothing.
Status checkForm(const Plan &plan);

} // namespace dsv3::plan::detail
