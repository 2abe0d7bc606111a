//===- AsideFolder.h - a place for what is not finished ---------*- C++ -*-===//
//
// What is made in several steps is made aside, in the file system of its place, and
// published in one step (PublishFolder.h). A process that is killed in between leaves
// its folder, unless it catches the signal and calls remove(); the next one that makes something at
// the same place removes it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <filesystem>
#include <system_error>

namespace dsv3::checkpoint {

/// A new folder in `directory`, removed at the end with all that is in it. Locked as long as
/// this process lives or one that it started, which inherits the descriptor.
class AsideFolder {
public:
  /// How the names begin; whoever lists `directory` can tell by it.
  static constexpr const char *prefix = ".dsv3-aside-";

  /// Removes abandoned folders of this kind first.
  explicit AsideFolder(const std::filesystem::path &directory);
  ~AsideFolder();
  AsideFolder(const AsideFolder &) = delete;
  AsideFolder &operator=(const AsideFolder &) = delete;

  /// Removes folders of this kind that nobody holds, except young ones, which may not be locked
  /// yet; and where there are no locks, those of yesterday. How many.
  static size_t removeAbandoned(const std::filesystem::path &directory);

  /// Why there is none; everything else may be used only where it is empty.
  std::error_code error() const { return failed; }
  const std::filesystem::path &path() const { return folder; }

  /// Removes it now; other threads may still be writing there, and fail from now on.
  void remove() const;

private:
  std::filesystem::path folder;
  std::error_code failed;
  int lock = -1;
};

} // namespace dsv3::checkpoint
