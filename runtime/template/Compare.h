//===- Compare.h - equality, order and membership ---------------*- C++ -*-===//
//
// Python's ==, < and `in` over the values of a template.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Value.h"

namespace dsv3::text::jinja {

bool equals(Runtime &runtime, const Value &left, const Value &right);
/// Raises if the two cannot be ordered.
bool lessThan(Runtime &runtime, const Value &left, const Value &right);
/// Any of == != < <= > >=. Raises if the two cannot be ordered.
bool compare(Runtime &runtime, const std::string &op, const Value &left, const Value &right);
/// `item in container`.
bool contains(Runtime &runtime, const Value &container, const Value &item);

} // namespace dsv3::text::jinja
