//===- Raise.h - failing within a template ----------------------*- C++ -*-===//
//
// Rendering can fail at any depth of an expression. Within this library alone a
// failure unwinds as an exception, as in Jinja; Template.cpp turns it into a
// Failure at the border, and nothing else leaves.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <string>
#include <utility>

namespace dsv3::text::jinja {

/// What unwinds. `kind` is the name of the exception in Jinja or Python.
struct Raised {
  std::string kind;
  std::string message;
  /// Line of the template; 0 until the statement that fails adds it.
  int line = 0;
};

[[noreturn]] inline void raise(std::string kind, std::string message, int line = 0) {
  throw Raised{std::move(kind), std::move(message), line};
}

[[noreturn]] inline void raiseType(std::string message) { raise("TypeError", std::move(message)); }

[[noreturn]] inline void raiseValue(std::string message) {
  raise("ValueError", std::move(message));
}

} // namespace dsv3::text::jinja
