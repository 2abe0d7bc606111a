//===- Precision.h - which precision policies there are ---------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"

#include <string>

namespace dsv3 {

/// Fails unless dsv3-set-precision can write the policy of that name into a module.
Status checkPolicy(const std::string &policy);

} // namespace dsv3
