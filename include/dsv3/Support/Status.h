//===- Status.h - failure as a value ----------------------------*- C++ -*-===//
//
// Every operation of dsv3 that a user's input can make fail returns a Status or
// an Expected<T>. A failure says what was expected and what was found, where,
// and what to do about it; it never aborts the process. Compiler passes use
// MLIR's LogicalResult and diagnostics instead. Standard library only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace dsv3 {

/// Why something that the user asked for cannot be done. Owned by value; not
/// shared between threads.
struct Failure {
  /// What was expected and what was found, as one sentence without a full stop.
  std::string what;
  /// Where: a file, a key, a line. Empty if `what` says it already.
  std::string where = {};
  /// What the user can do. Empty if nothing sensible can be said.
  std::string hint = {};

  /// "where: what\n  hint: hint", leaving out what is empty.
  std::string message() const {
    std::string text = where.empty() ? what : where + ": " + what;
    return hint.empty() ? text : text + "\n  hint: " + hint;
  }
};

/// Success, or a Failure.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Failure failure) : problem(std::move(failure)) {}

  bool ok() const { return !problem.has_value(); }
  explicit operator bool() const { return ok(); }
  /// Precondition: !ok().
  const Failure &failure() const {
    assert(problem && "asked a successful Status for its failure");
    return *problem;
  }

private:
  std::optional<Failure> problem;
};

/// A value of type T, or a Failure.
template <typename T>
class [[nodiscard]] Expected {
public:
  Expected(T value) : state(std::in_place_index<0>, std::move(value)) {}
  Expected(Failure failure) : state(std::in_place_index<1>, std::move(failure)) {}
  /// Passes on the failure of `status`. Precondition: !status.ok().
  Expected(const Status &status) : state(std::in_place_index<1>, status.failure()) {}

  bool ok() const { return state.index() == 0; }
  explicit operator bool() const { return ok(); }
  T &operator*() & {
    assert(ok() && "asked a failed Expected for its value");
    return std::get<0>(state);
  }
  const T &operator*() const & {
    assert(ok() && "asked a failed Expected for its value");
    return std::get<0>(state);
  }
  T &&operator*() && {
    assert(ok() && "asked a failed Expected for its value");
    return std::get<0>(std::move(state));
  }
  T *operator->() { return &**this; }
  const T *operator->() const { return &**this; }
  /// Precondition: !ok().
  const Failure &failure() const {
    assert(!ok() && "asked a successful Expected for its failure");
    return std::get<1>(state);
  }
  Status status() const { return ok() ? Status() : Status(failure()); }

private:
  std::variant<T, Failure> state;
};

} // namespace dsv3
