//===- Safetensors.cpp - reading safetensors files ------------------------===//
//
// The file itself: opening, reading the header's bytes, mapping. A descriptor stays
// open for the life of the object, so that the header that was checked and the data
// that is read or mapped are of the same file. POSIX.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/Safetensors.h"

#include "dsv3/Support/File.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace dsv3::checkpoint {

/// Fills `data` from `offset`; false, with errno or with errno 0 at the end of the file.
static bool readFully(int descriptor, uint64_t offset, std::span<char> data) {
  while (!data.empty()) {
    ssize_t count = pread(descriptor, data.data(), data.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      errno = count == 0 ? 0 : errno;
      return false;
    }
    offset += static_cast<uint64_t>(count);
    data = data.subspan(static_cast<size_t>(count));
  }
  return true;
}

static Failure systemFailure(const char *what, int error, const std::string &where) {
  std::string reason = error == 0 ? "the file ends too early" : std::strerror(error);
  return Failure{std::string(what) + ": " + reason, where, hintOfLimit(error)};
}

/// In nanoseconds since 1970.
static int64_t timeOf(const struct timespec &time) {
  constexpr int64_t perSecond = 1'000'000'000;
  return int64_t(time.tv_sec) * perSecond + time.tv_nsec;
}

/// The length of the header from the first bytes of the file, checked against its size.
static Expected<uint64_t> headerLength(int descriptor, uint64_t fileBytes,
                                       const std::string &where) {
  const char *hint = "the file is cut off; fetch it again";
  std::array<char, 8> prefix{};
  if (fileBytes < prefix.size()) {
    return Failure{"expected a safetensors file, found one of " + std::to_string(fileBytes) +
                       " bytes",
                   where, hint};
  }
  if (!readFully(descriptor, 0, prefix)) {
    return systemFailure("cannot read the file", errno, where);
  }
  if (std::string_view(prefix.data(), prefix.size()) == "version ") {
    return Failure{"expected a safetensors file, found a Git LFS pointer", where,
                   "fetch the file itself: `git lfs pull`"};
  }
  uint64_t length = 0;
  for (size_t i = prefix.size(); i-- > 0;) {
    length = length << 8 | static_cast<unsigned char>(prefix[i]);
  }
  if (length > maxHeaderBytes) {
    return Failure{"the header claims " + std::to_string(length) + " bytes, at most " +
                       std::to_string(maxHeaderBytes) + " are allowed",
                   where, "is this a safetensors file?"};
  }
  if (length > fileBytes - prefix.size()) {
    return Failure{"the header claims " + std::to_string(length) + " bytes, but the file has " +
                       std::to_string(fileBytes) + " in all",
                   where, hint};
  }
  return length;
}

Expected<SafetensorsFile> SafetensorsFile::open(const std::filesystem::path &path) {
  const std::string where = path.string();
  SafetensorsFile file;
  file.filePath = path;
  // O_NONBLOCK: opening a pipe by mistake must not wait for a writer.
  file.descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor < 0) {
    return systemFailure("cannot open the file", errno, where);
  }
  struct stat status{};
  if (fstat(file.descriptor, &status) != 0) {
    return systemFailure("cannot read the file's size", errno, where);
  }
  if (!S_ISREG(status.st_mode)) {
    return Failure{"expected a safetensors file, found something that is not a file", where};
  }
  file.fileBytes = static_cast<uint64_t>(status.st_size);
  file.modifiedAt = timeOf(status.st_mtim);
  file.changedAt = timeOf(status.st_ctim);
  Expected<uint64_t> length = headerLength(file.descriptor, file.fileBytes, where);
  if (!length) {
    return length.failure();
  }
  try {
    std::string json(*length, '\0');
    if (!readFully(file.descriptor, 8, json)) {
      return systemFailure("cannot read the header", errno, where);
    }
    file.hashOfHeader = hash128(json);
    Expected<SafetensorsHeader> header =
        parseSafetensorsHeader(json, 8 + *length, file.fileBytes, where);
    if (!header) {
      return header.failure();
    }
    file.header = *std::move(header);
    return file;
  } catch (const std::bad_alloc &) {
    return systemFailure("cannot read the header", ENOMEM, where);
  }
}

SafetensorsFile::SafetensorsFile(SafetensorsFile &&other) noexcept
    : filePath(std::move(other.filePath)), header(std::move(other.header)),
      hashOfHeader(other.hashOfHeader), fileBytes(other.fileBytes), modifiedAt(other.modifiedAt),
      changedAt(other.changedAt), descriptor(std::exchange(other.descriptor, -1)),
      mapping(std::exchange(other.mapping, nullptr)), listedName(std::move(other.listedName)) {}

SafetensorsFile &SafetensorsFile::operator=(SafetensorsFile &&other) noexcept {
  if (this != &other) {
    close();
    filePath = std::move(other.filePath);
    header = std::move(other.header);
    hashOfHeader = other.hashOfHeader;
    fileBytes = other.fileBytes;
    modifiedAt = other.modifiedAt;
    changedAt = other.changedAt;
    descriptor = std::exchange(other.descriptor, -1);
    mapping = std::exchange(other.mapping, nullptr);
    listedName = std::move(other.listedName);
  }
  return *this;
}

SafetensorsFile::~SafetensorsFile() { close(); }

void SafetensorsFile::close() {
  if (mapping != nullptr) {
    listedName = MappingName();
    munmap(mapping, fileBytes);
    mapping = nullptr;
  }
  if (descriptor >= 0) {
    ::close(descriptor);
    descriptor = -1;
  }
}

const TensorInfo *SafetensorsFile::find(std::string_view name) const {
  auto found = std::lower_bound(
      header.tensors.begin(), header.tensors.end(), name,
      [](const TensorInfo &tensor, std::string_view key) { return tensor.name < key; });
  return found != header.tensors.end() && found->name == name ? &*found : nullptr;
}

Status SafetensorsFile::map() {
  if (mapping != nullptr) {
    return {};
  }
  if (Status same = findChange(); !same) {
    return same;
  }
  void *address = mmap(nullptr, fileBytes, PROT_READ, MAP_SHARED, descriptor, 0);
  if (address == MAP_FAILED) {
    return systemFailure("cannot map the file", errno, filePath.string());
  }
  // Advice only: what is not in memory yet is read in huge pages, if the file system has them.
  (void)madvise(address, fileBytes, MADV_HUGEPAGE);
  mapping = address;
  listedName = MappingName(mapping, fileBytes, filePath.string());
  return {};
}

std::span<const std::byte> SafetensorsFile::bytes(const TensorInfo &tensor) const {
  assert(mapping != nullptr && "bytes of a file that is not mapped");
  assert(tensor.offset <= fileBytes && tensor.byteCount <= fileBytes - tensor.offset &&
         "tensor of another file");
  return {static_cast<const std::byte *>(mapping) + tensor.offset, tensor.byteCount};
}

Status SafetensorsFile::read(const TensorInfo &tensor, uint64_t first,
                             std::span<std::byte> to) const {
  assert(first <= tensor.byteCount && to.size() <= tensor.byteCount - first && "another tensor");
  if (!readFully(descriptor, tensor.offset + first,
                 {reinterpret_cast<char *>(to.data()), to.size()})) {
    std::string what = "cannot read the tensor '" + tensor.name + "'";
    return systemFailure(what.c_str(), errno, filePath.string());
  }
  return {};
}

Status SafetensorsFile::findChange() const {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) {
    return systemFailure("cannot read the file's size", errno, filePath.string());
  }
  const char *hint = "wait until nobody writes to the checkpoint, then try again";
  if (static_cast<uint64_t>(status.st_size) != fileBytes) {
    return Failure{"the file had " + std::to_string(fileBytes) + " bytes when it was opened, now " +
                       std::to_string(status.st_size),
                   filePath.string(), hint};
  }
  return timeOf(status.st_mtim) == modifiedAt
             ? Status()
             : Failure{"the file was modified after it was opened", filePath.string(), hint};
}

void SafetensorsFile::drop(const TensorInfo &tensor, uint64_t first, uint64_t count) const {
  assert(mapping != nullptr && "drop of a file that is not mapped");
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t begin = (tensor.offset + first + page - 1) / page * page;
  uint64_t end = (tensor.offset + first + count) / page * page;
  if (begin < end) {
    // Advice only: where the system does not take it, the pages just stay.
    (void)madvise(static_cast<std::byte *>(mapping) + begin, end - begin, MADV_DONTNEED);
  }
}

} // namespace dsv3::checkpoint
