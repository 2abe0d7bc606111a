//===- FileWriting.cpp - writing files of known size ----------------------===//
#include "dsv3/Support/FileWriting.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include <fcntl.h>
#include <unistd.h>

namespace dsv3 {

int writeAt(int descriptor, uint64_t position, std::span<const std::byte> data) {
  while (!data.empty()) {
    // Linux writes at most 2 GiB at once.
    size_t piece = std::min(data.size(), size_t(1) << 30);
    ssize_t count = pwrite(descriptor, data.data(), piece, off_t(position));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return count == 0 ? EIO : errno;
    }
    position += uint64_t(count);
    data = data.subspan(size_t(count));
  }
  return 0;
}

int takeSpace(int descriptor, uint64_t bytes) {
  if (bytes > uint64_t(std::numeric_limits<off_t>::max())) {
    return EFBIG;
  }
  int refused = 0;
  do {
    refused = fallocate(descriptor, 0, 0, off_t(bytes)) == 0 ? 0 : errno;
  } while (refused == EINTR);
  // Others mean that the file system has no such call.
  return refused == ENOSPC || refused == EDQUOT || refused == EFBIG ? refused : 0;
}

std::filesystem::path folderOf(const std::filesystem::path &path) {
  std::filesystem::path folder = path.parent_path();
  return folder.empty() ? "." : folder;
}

void syncFolderOf(const std::filesystem::path &path) {
  int directory = open(folderOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    (void)fsync(directory);
    close(directory);
  }
}

} // namespace dsv3
