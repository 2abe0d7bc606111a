//===- PublishFolder.cpp - a folder that appears whole or not at all ------===//
//
// A rename replaces an empty folder only. One with contents is exchanged with the new
// one, which Linux does in one step; a file system that cannot do it (NFS, some FUSE)
// is left with two renames.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/PublishFolder.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>

namespace dsv3::checkpoint {

static std::error_code lastError() { return {errno, std::generic_category()}; }

std::error_code publishFolder(const std::filesystem::path &made,
                              const std::filesystem::path &target) {
  if (std::rename(made.c_str(), target.c_str()) == 0) {
    return {};
  }
  if (errno != ENOTEMPTY && errno != EEXIST) {
    return lastError();
  }
  if (renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    return {};
  }
  std::filesystem::path before = made.string() + ".before";
  if (std::rename(target.c_str(), before.c_str()) != 0) {
    return lastError();
  }
  if (std::rename(made.c_str(), target.c_str()) != 0) {
    std::error_code error = lastError();
    std::rename(before.c_str(), target.c_str());
    return error;
  }
  // Nothing lies there any more.
  return std::rename(before.c_str(), made.c_str()) == 0 ? std::error_code() : lastError();
}

} // namespace dsv3::checkpoint
