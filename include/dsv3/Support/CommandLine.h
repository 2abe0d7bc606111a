//===- CommandLine.h - what the command lines of all tools share -*- C++ -*-===//
//
// Exit codes, the version, and what the value of an option cannot be. How flags are
// parsed is each tool's own: most use CLI11, dsv3-opt and dsv3-translate LLVM's parser.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <string>
#include <string_view>

namespace dsv3 {

/// Exit code of a command that failed: on files, a model or the machine.
inline constexpr int exitFailure = 1;
/// Exit code of a command line that is wrong whatever files and machine are: an unknown flag, a
/// value out of range, flags that exclude each other. Nothing was done then.
inline constexpr int exitUsage = 2;

/// What `tool` prints for --version: "dsv3-run 0.1.0".
std::string versionText(std::string_view tool);

/// For options whose value must be a name or a text: what is wrong with `value`; empty if it
/// is not empty.
std::string refuseEmpty(const std::string &value);

} // namespace dsv3
