//===- PublishFolder.h - a folder that appears whole or not at all -*- C++ -*-===//
//
// How a bundle takes its place: it is made aside, in the same file system, and then
// published in one step. Whoever is killed in between leaves what was there before.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <filesystem>
#include <system_error>

namespace dsv3::checkpoint {

/// Puts the folder `made` in the place of `target`, which may be a folder with contents.
/// What was there ends up in the place of `made`, for the caller to remove. On failure
/// both are as before. Thread-safe.
std::error_code publishFolder(const std::filesystem::path &made,
                              const std::filesystem::path &target);

} // namespace dsv3::checkpoint
