//===- StringLiteral.h - escapes in string literals -------------*- C++ -*-===//
//
// Jinja passes the inside of a literal through Python's "unicode-escape".
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <string>
#include <string_view>

namespace dsv3::text::jinja {

/// The string that the literal stands for, in UTF-8. \N{name} is refused.
Expected<std::string> unescapeLiteral(std::string_view inside);

} // namespace dsv3::text::jinja
