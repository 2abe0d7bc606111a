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
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dsv3::checkpoint {

Failure OutputFile::failure(const char *what, int error) const {
  std::string hint;
  if (error == ENOSPC || error == EDQUOT) {
    hint = "the disk is full; " + std::to_string(written) +
           " bytes fitted. Free some space or choose another place; what was at this place "
           "before is unchanged";
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

Expected<OutputFile> OutputFile::create(const std::filesystem::path &path) {
  OutputFile file;
  file.target = path;
  struct stat status{};
  bool exists = stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    return Failure{"expected the name of a file to write, found a folder", path.string()};
  }
  if (exists && !S_ISREG(status.st_mode)) {
    file.descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file.descriptor < 0) {
      return file.failure("cannot open for writing", errno);
    }
    return file;
  }
  std::error_code error;
  file.resolved = exists ? std::filesystem::canonical(path, error) : path;
  if (error) {
    return file.failure("cannot find the file", error.value());
  }
  std::string name;
  file.descriptor = createBeside(file.resolved, name);
  if (file.descriptor < 0) {
    return file.failure("cannot create a file", errno);
  }
  file.aside = std::move(name);
  if (exists && fchmod(file.descriptor, status.st_mode & 07777) != 0) {
    return file.failure("cannot set permissions", errno);
  }
  return file;
}

OutputFile::OutputFile(OutputFile &&other) noexcept
    : target(std::move(other.target)), resolved(std::move(other.resolved)),
      aside(std::exchange(other.aside, {})), descriptor(std::exchange(other.descriptor, -1)),
      written(other.written) {}

OutputFile::~OutputFile() {
  if (descriptor >= 0) {
    close(descriptor);
  }
  if (!aside.empty()) {
    unlink(aside.c_str());
  }
}

Status OutputFile::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    // Linux writes at most 2 GiB at once.
    ssize_t count = ::write(descriptor, data.data(), std::min(data.size(), size_t(1) << 30));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return failure("cannot write", count == 0 ? EIO : errno);
    }
    written += static_cast<uint64_t>(count);
    data = data.subspan(static_cast<size_t>(count));
  }
  return {};
}

Status OutputFile::publish() {
  // Pipes and devices cannot be synced and need not be.
  if (!aside.empty() && fsync(descriptor) != 0) {
    return failure("cannot sync", errno);
  }
  if (close(std::exchange(descriptor, -1)) != 0) {
    return failure("cannot close", errno);
  }
  if (aside.empty()) {
    return {};
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
