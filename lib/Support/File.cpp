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

namespace {
/// Which pages of this process are mapped, as /proc/self/pagemap tells.
class MappedPages {
public:
  explicit MappedPages(size_t page)
      : page(page), file(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {}
  ~MappedPages() {
    if (file >= 0) {
      close(file);
    }
  }
  MappedPages(const MappedPages &) = delete;
  MappedPages &operator=(const MappedPages &) = delete;

  /// Whether all of them are; false where the system does not tell.
  bool hold(const std::byte *begin, size_t bytes) {
    entries.resize((bytes + page - 1) / page);
    size_t wanted = entries.size() * sizeof(uint64_t);
    off_t from = off_t(reinterpret_cast<uintptr_t>(begin) / page * sizeof(uint64_t));
    constexpr uint64_t present = uint64_t(1) << 63;
    return file >= 0 && pread(file, entries.data(), wanted, from) == ssize_t(wanted) &&
           std::ranges::all_of(entries, [](uint64_t entry) { return (entry & present) != 0; });
  }

private:
  size_t page;
  int file;
  std::vector<uint64_t> entries;
};
} // namespace

/// Part of fetchMapped: what one huge page may hold. Where small pages are in the system's cache,
/// it maps `around` for one that is asked for, and to ask for all, of which each is looked at,
/// takes twice as long.
static Status fetchStretch(std::byte *begin, size_t bytes, size_t page, MappedPages &mapped) {
  constexpr uintptr_t around = uintptr_t(64) << 10; // fault_around_bytes
  Status read = populate(begin, std::min(page, bytes));
  if (!read || mapped.hold(begin, bytes)) {
    return read;
  }
  size_t first = std::min(bytes, around - reinterpret_cast<uintptr_t>(begin) % around);
  if (mapped.hold(begin, first)) { // else it has to be read, in one run
    for (size_t at = first; at < bytes; at += around) {
      if (read = populate(begin + at, std::min(page, bytes - at)); !read) {
        return read;
      }
    }
    if (mapped.hold(begin, bytes)) {
      return read;
    }
  }
  return populate(begin, bytes);
}

Status fetchMapped(std::span<const std::byte> bytes) {
  constexpr uintptr_t hugePage = uintptr_t(2) << 20;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  size_t before = reinterpret_cast<uintptr_t>(bytes.data()) % page;
  auto *begin = const_cast<std::byte *>(bytes.data()) - before; // which madvise does not change
  std::byte *end = begin + (bytes.empty() ? 0 : before + bytes.size());
  MappedPages mapped(page);
  while (begin < end) {
    size_t stretch =
        std::min(size_t(end - begin), hugePage - reinterpret_cast<uintptr_t>(begin) % hugePage);
    if (Status read = fetchStretch(begin, stretch, page, mapped); !read) {
      return read;
    }
    begin += stretch;
  }
  return {};
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
