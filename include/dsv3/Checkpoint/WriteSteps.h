//===- WriteSteps.h - the steps of writing a file aside ---------*- C++ -*-===//
//
// What writers of files that appear whole or not at all share: OutputFile, and the
// runtime's packed weights. Each gives 0 or the system's number of an error. Linux.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace dsv3::checkpoint {

/// Writes all of `data` at `position` of an open file.
int writeAt(int descriptor, uint64_t position, std::span<const std::byte> data);

/// Takes the space for a file of `bytes` at once, where the file system can: ENOSPC, EDQUOT
/// and EFBIG say that there is none. Elsewhere a write fails.
int takeSpace(int descriptor, uint64_t bytes);

/// The folder that `path` lies in.
std::filesystem::path folderOf(const std::filesystem::path &path);

/// After a rename: that the new name survives a power cut. The file itself is safe already,
/// and some file systems refuse this, so it cannot fail.
void syncFolderOf(const std::filesystem::path &path);

} // namespace dsv3::checkpoint
