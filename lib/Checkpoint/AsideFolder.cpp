//===- AsideFolder.cpp - a place for what is not finished -----------------===//
#include "dsv3/Checkpoint/AsideFolder.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace dsv3::checkpoint {

/// Whether nobody holds the lock of a folder aside; false where that cannot be said.
static bool isAbandoned(const fs::path &folder) {
  int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool abandoned = descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  if (descriptor >= 0) {
    close(descriptor);
  }
  return abandoned;
}

size_t AsideFolder::removeAbandoned(const fs::path &directory) {
  size_t count = 0;
  std::error_code error;
  auto now = fs::file_time_type::clock::now();
  auto young = now - std::chrono::minutes(1), old = now - std::chrono::hours(24);
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (!at->path().filename().string().starts_with(AsideFolder::prefix)) {
      continue;
    }
    auto written = at->last_write_time(ignored);
    if (!ignored && (written < old || (written < young && isAbandoned(at->path())))) {
      fs::remove_all(at->path(), ignored);
      count += ignored ? 0 : 1;
    }
  }
  return count;
}

AsideFolder::AsideFolder(const fs::path &directory) {
  removeAbandoned(directory);
  std::string name = (directory / (std::string(prefix) + "XXXXXX")).string();
  if (!mkdtemp(name.data())) {
    failed = {errno, std::generic_category()};
    return;
  }
  folder = name;
  lock = open(name.c_str(), O_RDONLY | O_DIRECTORY);
  if (lock >= 0) {
    flock(lock, LOCK_EX | LOCK_NB);
  }
}

void AsideFolder::remove() const {
  // Whoever still writes can put a file into a folder that is about to go.
  constexpr int mostTries = 100;
  std::error_code error;
  for (int tries = 0; !failed && tries < mostTries; ++tries) {
    fs::remove_all(folder, error);
    if (!error) {
      return;
    }
  }
}

AsideFolder::~AsideFolder() {
  remove();
  if (lock >= 0) {
    close(lock);
  }
}

} // namespace dsv3::checkpoint
