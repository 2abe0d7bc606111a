//===- Quiet.h - who allocates, who makes system calls ----------*- C++ -*-===//
//
// A program that links this has every way to allocate counted. System calls are
// forbidden in a child process, by a filter that ends it at the first one. Two are
// let through: sched_yield, which the team makes when it has lost its CPU to someone
// else, and the one that reports the outcome. Nothing of this works under sanitizers,
// which have an allocator and threads of their own (DSV3_SANITIZED, from CMake).
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <functional>

namespace dsv3::test {

/// Of all threads of this process.
int64_t allocationsSoFar();

/// How the work of a child came out: its exit code.
enum Outcome : int { Right, Wrong, NoFilter };

/// From now on, a system call of any thread of this process ends it (SIGSYS). False if
/// this system does not allow that.
bool forbidSystemCalls();

/// Does `work` in a child process and gives its wait status. It ends by _exit with an outcome:
/// the destructors of what it made would make system calls.
int statusOfChild(const std::function<void()> &work);

} // namespace dsv3::test
