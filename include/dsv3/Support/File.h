//===- File.h - whole files of bounded size ---------------------*- C++ -*-===//
//
// Reads a file at once, up to a limit that the caller sets: nobody's file decides how
// much memory is taken. Standard library only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstddef>
#include <filesystem>
#include <string>

namespace dsv3 {

/// The bytes of a regular file, at most `limit` of them; a longer one is a failure.
Expected<std::string> readFile(const std::filesystem::path &path, size_t limit);

} // namespace dsv3
