//===- File.h - whole files of bounded size ---------------------*- C++ -*-===//
//
// Reads a file at once, up to a limit: nobody's file decides how much memory is taken.
// Linux.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace dsv3 {

/// What to do where a file cannot be opened or mapped because of a limit of the process, by errno;
/// empty for others.
std::string hintOfLimit(int error);

/// The bytes of a regular file, at most `limit` of them; a longer one is a failure.
Expected<std::string> readFile(const std::filesystem::path &path, size_t limit);

/// The most bytes that a command reads of stdin or of a file that its command line names.
inline constexpr size_t mostInputBytes = size_t(256) << 20;

/// The bytes of a file, or what a pipe or terminal of that name gives, or stdin for "-"; more
/// than mostInputBytes are a failure.
Expected<std::string> readInput(const std::string &path);

/// Reads mapped pages of a file so that no later access waits for them. Fails if the file cannot be
/// read or has become shorter.
Status fetchMapped(std::span<const std::byte> bytes);

/// Whether both names are of one file, or will be once they are there; links of both kinds count.
bool isSameFile(const std::filesystem::path &a, const std::filesystem::path &b);

} // namespace dsv3
