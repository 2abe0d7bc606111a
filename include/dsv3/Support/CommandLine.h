//===- CommandLine.h - what the command lines of all tools share -*- C++ -*-===//
//
// Exit codes, the version, and what the value of an option cannot be. How flags are
// parsed is each tool's own: most use CLI11, dsv3-opt and dsv3-translate LLVM's parser.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <string>
#include <string_view>
#include <vector>

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

/// For options whose values are numbers: what is wrong with `value`; empty if it is not written in
/// another base than ten. CLI11 takes 010 for 8 and 0x10 for 16.
std::string refuseOtherBase(const std::string &value);

/// Whether CLI11's name of an option's type, which its limits may follow, is that of a number: its
/// own names, and those that our options have.
bool isNumberType(std::string_view type);

/// The words behind the tool's name, the last one first, as CLI11 takes them. "--flag=" is two of
/// them, of which the second is empty: CLI11 would take the next word for the value.
std::vector<std::string> wordsForCli11(int argc, const char *const *argv);

} // namespace dsv3
