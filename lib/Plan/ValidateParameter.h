//===- ValidateParameter.h - is a parameter well formed ---------*- C++ -*-===//
//
// The part of validate() that concerns one parameter, and the helpers that both
// parts share. Private to lib/Plan.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/Plan.h"
#include "dsv3/Support/Status.h"

#include <initializer_list>
#include <optional>
#include <span>

namespace dsv3::plan::detail {

/// More than any machine has; sums of a few such sizes do not overflow.
inline constexpr int64_t mostBytes = int64_t(1) << 52;

/// The product of factors that are not negative, if it stays below mostBytes.
std::optional<int64_t> product(std::initializer_list<int64_t> factors);

/// The failure "where: invalid plan: what"; `where` begins with the table's element:
/// "parameter 'x'", "kernel 'x'", "entry 'x'", …
Failure bad(const std::string &where, const std::string &what);

Status checkParameter(const Plan &plan, const Parameter &parameter);

} // namespace dsv3::plan::detail
