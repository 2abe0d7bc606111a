//===- FileWriting.h - writing files of known size --------------*- C++ -*-===//
//
// What writers of large files that appear whole or not at all share. They open and name
// the file themselves. Linux.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace dsv3 {

/// Writes all of `data` at `position` of an open file. 0, or the errno of what failed.
int writeAt(int descriptor, uint64_t position, std::span<const std::byte> data);

/// Takes the space for a file of `bytes` at once, where the file system can; elsewhere a
/// write fails later. 0, or ENOSPC, EDQUOT or EFBIG where there is none.
int takeSpace(int descriptor, uint64_t bytes);

/// The folder that `path` lies in.
std::filesystem::path folderOf(const std::filesystem::path &path);

/// After a rename: that the new name survives a power cut. The file itself is safe already,
/// and some file systems refuse this, so it cannot fail.
void syncFolderOf(const std::filesystem::path &path);

} // namespace dsv3
