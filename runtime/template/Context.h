//===- Context.h - JSON as values -------------------------------*- C++ -*-===//
//
// Turns what a template is rendered with into values. All of it is untrusted
// but for bos_token and eos_token, which the checkpoint gives.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Value.h"

#include <nlohmann/json.hpp>

namespace dsv3::text::jinja {

/// The variables of a template. Raises if an integer has more than 64 bits or
/// the nesting is too deep. Precondition: `context` is an object.
std::shared_ptr<const DictData> contextOf(const nlohmann::ordered_json &context);

} // namespace dsv3::text::jinja
