//===- Precision.h - which precisions there are -----------------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"

#include <string>

namespace dsv3 {

/// Fails unless dsv3-set-precision can write the policy of that name into a module.
Status checkPolicy(const std::string &policy);
/// Fails unless that policy can keep its cache in elements of `type`; empty: what it says itself.
Status checkCacheType(const std::string &policy, const std::string &type);
/// Fails unless dsv3-encode-weights knows these encodings; empty: as stored.
Status checkEncodings(const std::string &weights, const std::string &head);

} // namespace dsv3
