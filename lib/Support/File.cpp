//===- File.cpp - whole files of bounded size -----------------------------===//
#include "dsv3/Support/File.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace dsv3 {

std::string hintOfLimit(int error) {
  switch (error) {
  case EMFILE:
  case ENFILE:
    return "too many files are open; raise the limit with `ulimit -n 4096`";
  case ENOMEM:
    return "memory of this process is limited; raise the limit with `ulimit -v unlimited`";
  default:
    return "";
  }
}

Expected<std::string> readFile(const std::filesystem::path &path, size_t limit) {
  std::error_code error;
  auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return Failure{"there is no such file", path.string()};
  }
  if (!std::filesystem::is_regular_file(status)) {
    return Failure{"expected a file, found something else", path.string()};
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    int error = errno;
    return Failure{std::string("cannot open the file: ") + std::strerror(error), path.string(),
                   hintOfLimit(error)};
  }
  // Read in pieces: the size that a file system reports need not be the truth (/proc).
  std::string text;
  std::vector<char> piece(size_t(1) << 16);
  while (stream.read(piece.data(), static_cast<std::streamsize>(piece.size())),
         stream.gcount() > 0) {
    text.append(piece.data(), static_cast<size_t>(stream.gcount()));
    if (text.size() > limit) {
      return Failure{"expected at most " + std::to_string(limit) + " bytes, the file has more",
                     path.string(), "is this the right file?"};
    }
  }
  if (stream.bad()) {
    return Failure{std::string("cannot read the file: ") + std::strerror(errno), path.string()};
  }
  return text;
}

/// All that an open file or pipe gives.
static Expected<std::string> readAll(int descriptor, const std::string &where) {
  std::string text;
  std::array<char, 1 << 16> piece;
  for (;;) {
    ssize_t count = read(descriptor, piece.data(), piece.size());
    if (count == 0) {
      return text;
    }
    if (count > 0) {
      text.append(piece.data(), size_t(count));
      if (text.size() > mostInputBytes) {
        return Failure{"expected at most " + std::to_string(mostInputBytes) + " bytes, found more",
                       where, "give it in pieces"};
      }
    } else if (errno != EINTR) {
      return Failure{std::string("cannot read: ") + std::strerror(errno), where};
    }
  }
}

Expected<std::string> readInput(const std::string &path) {
  if (path == "-") {
    return readAll(STDIN_FILENO, "stdin");
  }
  std::error_code error;
  std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::is_fifo(status) && !std::filesystem::is_character_file(status)) {
    return readFile(path, mostInputBytes);
  }
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    int reason = errno;
    return Failure{std::string("cannot open: ") + std::strerror(reason), path, hintOfLimit(reason)};
  }
  Expected<std::string> text = readAll(descriptor, path);
  close(descriptor);
  return text;
}

/// Reads the pages of mapped memory that begins with one, and maps them.
static Status populate(std::byte *begin, size_t bytes) {
  while (madvise(begin, bytes, MADV_POPULATE_READ) != 0) {
    if (errno == EINVAL) { // before Linux 5.14: the pages are read when they are used
      break;
    }
    if (errno != EINTR && errno != EAGAIN) {
      return Failure{std::string("cannot read the mapped file: ") + std::strerror(errno)};
    }
  }
  return {};
}

Status fetchMapped(std::span<const std::byte> bytes) {
  // What the kernel maps around a page that is asked for and is in its cache (fault_around_bytes).
  constexpr uintptr_t around = uintptr_t(64) << 10;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  size_t before = reinterpret_cast<uintptr_t>(bytes.data()) % page;
  auto *begin = const_cast<std::byte *>(bytes.data()) - before; // which madvise does not change
  std::byte *end = begin + (bytes.empty() ? 0 : before + bytes.size());
  // To ask for one page of those costs half of asking for all, of which each is looked at.
  for (std::byte *at = begin; at < end; at += around - reinterpret_cast<uintptr_t>(at) % around) {
    if (Status read = populate(at, std::min(page, size_t(end - at))); !read) {
      return read;
    }
  }
  std::vector<unsigned char> resident((size_t(end - begin) + page - 1) / page);
  if (mincore(begin, size_t(end - begin), resident.data()) == 0 &&
      std::ranges::all_of(resident, [](unsigned char flags) { return flags & 1; })) {
    return {};
  }
  return populate(begin, size_t(end - begin));
}

bool isSameFile(const std::filesystem::path &a, const std::filesystem::path &b) {
  std::error_code error;
  if (std::filesystem::equivalent(a, b, error)) {
    return true;
  }
  std::filesystem::path first = std::filesystem::weakly_canonical(a, error);
  return !error && first == std::filesystem::weakly_canonical(b, error) && !error;
}

} // namespace dsv3
