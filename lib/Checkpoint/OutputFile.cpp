//===- OutputFile.cpp - a file that appears whole or not at all -----------===//
//
// A file without a name is given one by linkat, which never replaces a file: where the
// target exists, it is named beside it and renamed. It lies in the target's folder, since
// both work within one file system only. Contents are synced before and the folder after,
// so that after a power cut there is the old file or the new one.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/OutputFile.h"

#include "dsv3/Support/FileWriting.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
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

/// Calls `make` with new names beside `path` until it takes one; -1 with errno.
template <typename Make>
static int makeBeside(const std::filesystem::path &path, std::string &name, Make make) {
  static std::atomic<unsigned> counter = 0;
  // A name can be left over from a process that was killed and had the same number.
  for (int tries = 0; tries < 1000; ++tries) {
    // Short, where the name itself may be as long as a name can be.
    std::string file =
        ".dsv3-" + std::to_string(getpid()) + "-" + std::to_string(counter++) + ".tmp";
    name = (folderOf(path) / file).string();
    int made = make(name.c_str());
    if (made >= 0 || errno != EEXIST) {
      return made;
    }
  }
  return -1;
}

/// By this name a file without one can be linked.
static std::string processName(int descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor);
}

/// Whether there is now a file without a name, with the permissions of a new file.
bool OutputFile::openNameless() {
  descriptor = ::open(folderOf(resolved).c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor >= 0 && access(processName(descriptor).c_str(), F_OK) != 0) {
    close(std::exchange(descriptor, -1)); // without /proc nobody could name it
  }
  return descriptor >= 0;
}

Status OutputFile::giveName() {
  std::string source = processName(descriptor);
  auto link = [&](const char *name) {
    return linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW);
  };
  if (link(resolved.c_str()) == 0) {
    return {};
  }
  std::string name;
  if (errno != EEXIST || makeBeside(resolved, name, link) < 0) {
    return failure("cannot name the finished file", errno);
  }
  aside = std::move(name);
  return {};
}

Status OutputFile::openBeside(bool replaces, mode_t mode) {
  std::error_code error;
  resolved = replaces ? std::filesystem::canonical(target, error) : target;
  if (error) {
    return failure("cannot find the file", error.value());
  }
  if (!openNameless()) {
    std::string name;
    descriptor = makeBeside(resolved, name, [](const char *path) {
      return ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    });
    if (descriptor < 0) {
      return failure("cannot create a file", errno);
    }
    aside = std::move(name);
  }
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
  if (path.filename().empty()) {
    return Failure{"expected the name of a file to write, found '" + path.string() + "'"};
  }
  struct stat status{};
  bool exists = stat(path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) {
    return file.failure("cannot write there", errno);
  }
  std::error_code error;
  if (!exists && std::filesystem::is_symlink(path, error)) {
    return Failure{"the link leads to a file that does not exist", path.string(),
                   "remove the link, or give the name of the file itself"};
  }
  if (exists && S_ISDIR(status.st_mode)) {
    return Failure{"expected the name of a file to write, found a folder", path.string()};
  }
  Status opened = exists && !S_ISREG(status.st_mode) ? file.openTemporary()
                                                     : file.openBeside(exists, status.st_mode);
  if (!opened) {
    return opened;
  }
  if (int refused = takeSpace(file.descriptor, bytes)) {
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
  int error = writeAt(descriptor, position, data);
  return error == 0 ? Status() : failure("cannot write", error);
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
  if (device >= 0) {
    return copyToTarget(); // pipes and devices cannot be synced and need not be
  }
  if (fsync(descriptor) != 0) {
    return failure("cannot sync", errno);
  }
  if (Status named = aside.empty() ? giveName() : Status(); !named) {
    return named;
  }
  if (close(std::exchange(descriptor, -1)) != 0) {
    return failure("cannot close", errno);
  }
  if (!aside.empty() && rename(aside.c_str(), resolved.c_str()) != 0) {
    return failure("cannot rename the finished file", errno);
  }
  aside.clear();
  syncFolderOf(resolved);
  return {};
}

} // namespace dsv3::checkpoint
