//===- Process.h - run another program --------------------------*- C++ -*-===//
//
// Finds a program of ours and runs it to its end. POSIX.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

/// The program `name` in the folder of the running program, else the first on PATH.
std::optional<std::filesystem::path> findProgram(std::string_view name);

/// Runs `program` with `arguments` (without its own name) and waits. What it prints goes
/// to stderr, or to `output` where that is given, and it is told to stop if we are killed. Once
/// `cancel` (may be null) is true it is told to stop by signals that end most programs. Fails if it
/// cannot be started, ends with an exit code that is not zero or one that is not known, or is
/// interrupted.
Status runProgram(const std::filesystem::path &program, const std::vector<std::string> &arguments,
                  const std::atomic<bool> *cancel, std::string *output = nullptr);

} // namespace dsv3::runtime
