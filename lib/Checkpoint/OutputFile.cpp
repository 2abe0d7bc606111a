//===- OutputFile.cpp - a file that appears whole or not at all -----------===//
//
// The file aside lies in the target's folder, since a rename works within one file
// system only. Its contents are synced before the rename and the folder after it, so
// that after a power cut there is the old file or the new one.
//
//===----------------------------------------------------------------------===//
#include "OutputFile.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dsv3::checkpoint {

Failure OutputFile::failure(const char *what, int error) const {
  std::string hint;
  if (error == ENOSPC || error == EDQUOT) {
    hint = "the disk is full; " + std::to_string(expected) +
           " bytes are needed. Free some space or choose another place; what was at this place "
           "before is unchanged";
  } else if (error == EFBIG) {
    hint = std::to_string(expected) + " bytes are needed; see ulimit -f";
  } else if (error == ENOENT || error == ENOTDIR) {
    hint = "does the folder exist?";
  } else if (error == EACCES || error == EPERM || error == EROFS) {
    hint = "choose a folder that you may write to";
  }
  return Failure{std::string(what) + ": " + std::strerror(error), target.string(), hint};
}

/// Creates a file of a new name beside `path`, with the permissions of a new file; -1
/// with errno.
static int createBeside(const std::filesystem::path &path, std::string &name) {
  static std::atomic<unsigned> counter = 0;
  // A name can be left over from a process that was killed and had the same number.
  for (int tries = 0; tries < 1000; ++tries) {
    name =
        path.string() + "." + std::to_string(getpid()) + "-" + std::to_string(counter++) + ".tmp";
    int descriptor = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST) {
      return descriptor;
    }
  }
  return -1;
}

Status OutputFile::openBeside(bool replaces, mode_t mode) {
  std::error_code error;
  resolved = replaces ? std::filesystem::canonical(target, error) : target;
  if (error) {
    return failure("cannot find the file", error.value());
  }
  std::string name;
  descriptor = createBeside(resolved, name);
  if (descriptor < 0) {
    return failure("cannot create a file", errno);
  }
  aside = std::move(name);
  if (replaces && fchmod(descriptor, mode & 07777) != 0) {
    return failure("cannot set permissions", errno);
  }
  return {};
}

Status OutputFile::openTemporary() {
  device = ::open(target.c_str(), O_WRONLY | O_CLOEXEC);
  if (device < 0) {
    return failure("cannot open for writing", errno);
  }
  std::error_code error;
  std::string name = (std::filesystem::temp_directory_path(error) / "dsv3-XXXXXX").string();
  descriptor = error ? -1 : mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) {
    return failure("cannot create a temporary file for it", error ? error.value() : errno);
  }
  unlink(name.c_str()); // it lives as long as it is open
  return {};
}

Expected<OutputFile> OutputFile::create(const std::filesystem::path &path, uint64_t bytes) {
  OutputFile file;
  file.target = path;
  file.expected = bytes;
  struct stat status{};
  bool exists = stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    return Failure{"expected the name of a file to write, found a folder", path.string()};
  }
  Status opened = exists && !S_ISREG(status.st_mode) ? file.openTemporary()
                                                     : file.openBeside(exists, status.st_mode);
  if (!opened) {
    return opened;
  }
  constexpr auto most = uint64_t(std::numeric_limits<off_t>::max());
  if (bytes > most) {
    return file.failure("cannot write", EFBIG);
  }
  int refused = 0;
  do {
    refused = fallocate(file.descriptor, 0, 0, off_t(bytes)) == 0 ? 0 : errno;
  } while (refused == EINTR);
  // Others mean that the file system has no such call; then a write fails.
  if (refused == ENOSPC || refused == EDQUOT || refused == EFBIG) {
    return file.failure("cannot write", refused);
  }
  return file;
}

OutputFile::OutputFile(OutputFile &&other) noexcept
    : target(std::move(other.target)), resolved(std::move(other.resolved)),
      aside(std::exchange(other.aside, {})), descriptor(std::exchange(other.descriptor, -1)),
      device(std::exchange(other.device, -1)), expected(other.expected) {}

OutputFile::~OutputFile() {
  for (int open : {descriptor, device}) {
    if (open >= 0) {
      close(open);
    }
  }
  if (!aside.empty()) {
    unlink(aside.c_str());
  }
}

Status OutputFile::write(uint64_t position, std::span<const std::byte> data) {
  while (!data.empty()) {
    // Linux writes at most 2 GiB at once.
    size_t piece = std::min(data.size(), size_t(1) << 30);
    ssize_t count = ::pwrite(descriptor, data.data(), piece, off_t(position));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return failure("cannot write", count == 0 ? EIO : errno);
    }
    position += static_cast<uint64_t>(count);
    data = data.subspan(static_cast<size_t>(count));
  }
  return {};
}

Status OutputFile::copyToTarget() {
  std::vector<std::byte> piece(size_t(1) << 20);
  for (uint64_t position = 0;;) {
    ssize_t count = pread(descriptor, piece.data(), piece.size(), off_t(position));
    if (count == 0) {
      break;
    }
    if (count < 0 && errno != EINTR) {
      return failure("cannot read the temporary file", errno);
    }
    std::span<const std::byte> rest(piece.data(), size_t(std::max<ssize_t>(count, 0)));
    position += rest.size();
    while (!rest.empty()) {
      ssize_t written = ::write(device, rest.data(), rest.size());
      if (written < 0 && errno != EINTR) {
        return failure("cannot write", errno);
      }
      rest = rest.subspan(size_t(std::max<ssize_t>(written, 0)));
    }
  }
  return close(std::exchange(device, -1)) == 0 ? Status() : failure("cannot close", errno);
}

Status OutputFile::publish() {
  if (aside.empty()) {
    return copyToTarget(); // pipes and devices cannot be synced and need not be
  }
  if (fsync(descriptor) != 0) {
    return failure("cannot sync", errno);
  }
  if (close(std::exchange(descriptor, -1)) != 0) {
    return failure("cannot close", errno);
  }
  if (rename(aside.c_str(), resolved.c_str()) != 0) {
    return failure("cannot rename the finished file", errno);
  }
  aside.clear();
  std::filesystem::path folder = resolved.parent_path();
  int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    (void)fsync(directory); // the file itself is safe; some file systems refuse this
    close(directory);
  }
  return {};
}

} // namespace dsv3::checkpoint
