//===- PackedFile.cpp - packed weights on disk ----------------------------===//
#include "runtime/params/PackedFile.h"

#include "dsv3/Plan/Names.h"
#include "dsv3/Support/BytesText.h"
#include "dsv3/Support/FileWriting.h"
#include "runtime/base/Memory.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace dsv3::runtime {

/// Bytes that are written, or wait to be on disk, between two looks at progress.
static constexpr uint64_t pieceBytes = uint64_t(16) << 20, syncBytes = uint64_t(256) << 20;
static_assert(packedPieceBytes % pieceBytes == 0, "a checksum ends with a piece that is written");

static Failure cannot(const char *what, int error) {
  return {"cannot " + std::string(what) + ": " + std::strerror(error)};
}

/// The first bytes of a file, at most as many as there may be of a header.
static Expected<std::string> readBeginning(int descriptor, uint64_t fileBytes) {
  std::string bytes(size_t(std::min(fileBytes, packedDataOffset)), '\0');
  for (size_t done = 0; done < bytes.size();) {
    ssize_t count = pread(descriptor, bytes.data() + done, bytes.size() - done, off_t(done));
    if (count < 0 && errno != EINTR) {
      return cannot("read the file", errno);
    }
    if (count == 0) {
      return Failure{"the file is cut off"};
    }
    done += size_t(std::max<ssize_t>(count, 0));
  }
  return bytes;
}

static Expected<PackedWeights> mapOpen(int descriptor, const std::filesystem::path &path,
                                       const PackedHeader &wanted) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) {
    return cannot("read the file's size", errno);
  }
  if (!S_ISREG(status.st_mode)) {
    return Failure{"expected a file, found something else"};
  }
  auto fileBytes = uint64_t(status.st_size);
  Expected<std::string> bytes = readBeginning(descriptor, fileBytes);
  if (!bytes) {
    return bytes.failure();
  }
  Expected<PackedHeader> header = parsePackedHeader(*bytes, fileBytes);
  if (!header) {
    return header.failure();
  }
  if (std::string other = difference(*header, wanted); !other.empty()) {
    return Failure{other};
  }
  auto mapping = FileMapping::map(descriptor, packedDataOffset, header->dataBytes, path.string());
  if (!mapping) {
    return mapping.failure();
  }
  return PackedWeights{*std::move(mapping), std::move(header->checksums)};
}

Expected<PackedWeights> mapPacked(const std::filesystem::path &path, const PackedHeader &wanted) {
  // O_NONBLOCK: a pipe of that name must not wait for a writer.
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return cannot("open the file", errno);
  }
  Expected<PackedWeights> weights = mapOpen(descriptor, path, wanted);
  close(descriptor);
  return weights;
}

/// Piece `index` of the weights.
static std::span<const std::byte> pieceOf(std::span<const std::byte> weights, uint64_t index) {
  uint64_t begin = index * packedPieceBytes;
  return weights.subspan(begin, std::min(packedPieceBytes, weights.size() - begin));
}

Status verify(const PackedWeights &weights, const PackedProgress &progress,
              const std::atomic<bool> *cancel) {
  std::span<const std::byte> all = weights.mapping.bytes();
  for (uint64_t index = 0; index < weights.checksums.size(); ++index) {
    if (cancel && cancel->load()) {
      return Failure{"interrupted"};
    }
    uint64_t begin = index * packedPieceBytes;
    auto piece = pieceOf(all, index);
    if (Status read = weights.mapping.fetch(begin, piece.size()); !read) {
      return read;
    }
    if (hash128(piece) != weights.checksums[index]) {
      return Failure{"the weights are damaged between byte " + std::to_string(begin) +
                     " and byte " + std::to_string(begin + piece.size() - 1)};
    }
    if (progress) {
      progress(begin + piece.size(), all.size());
    }
  }
  return {};
}

Failure PackedWriter::failure(const std::string &what, int error) const {
  bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return {"cannot keep the packed weights: " + what + ": " + std::strerror(error), target.string(),
          full ? bytesText(fileBytes) + " are needed; free some space, see ulimit -f, or leave "
                                        "--keep-packed out"
               : "leave --keep-packed out, or make a bundle in a folder that can be written: "
                 "dsv3-compile --model DIR -o BUNDLE"};
}

Expected<std::optional<PackedWriter>> PackedWriter::create(const std::filesystem::path &path,
                                                           const PackedHeader &header) {
  PackedWriter writer;
  writer.target = path;
  writer.header = header;
  // Beyond this no file can be; the disk then says that it is full.
  constexpr auto most = uint64_t(std::numeric_limits<off_t>::max());
  writer.fileBytes = packedDataOffset + std::min(header.dataBytes, most - packedDataOffset);
  Expected<bool> ours = writer.openAside();
  if (!ours) {
    return ours.failure();
  }
  if (!*ours) {
    return std::optional<PackedWriter>();
  }
  if (Status room = writer.takeRoom(); !room) {
    return room;
  }
  if (Status fits = fitsBeforeWeights(header); !fits) {
    return fits;
  }
  return std::optional(std::move(writer));
}

PackedWriter::PackedWriter(PackedWriter &&other) noexcept
    : target(std::move(other.target)), aside(std::move(other.aside)),
      header(std::move(other.header)), fileBytes(other.fileBytes),
      descriptor(std::exchange(other.descriptor, -1)) {}

PackedWriter::~PackedWriter() {
  if (descriptor >= 0) {
    unlink(aside.c_str()); // before the lock goes, so it is nobody else's
    close(descriptor);
  }
}

/// Whether the open file is the one of that name.
static bool isNamed(int descriptor, const std::filesystem::path &path) {
  struct stat open{}, named{};
  return fstat(descriptor, &open) == 0 && stat(path.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

static constexpr std::string_view asideSuffix = ".aside";

size_t removeAbandonedPacked(const std::filesystem::path &bundle) {
  size_t count = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator at(bundle, error), end; !error && at != end;
       at.increment(error)) {
    std::string name = at->path().filename().string();
    if (!name.starts_with(plan::packedFilePrefix) || !name.ends_with(asideSuffix)) {
      continue;
    }
    int opened = open(at->path().c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0) {
      continue; // a folder, or gone
    }
    // Removed while it is locked. A writer that opened it before finds that it lost its name.
    if (flock(opened, LOCK_EX | LOCK_NB) == 0 && isNamed(opened, at->path())) {
      count += unlink(at->path().c_str()) == 0 ? 1 : 0;
    }
    close(opened);
  }
  return count;
}

/// Opens and locks the file aside. False if another process has it.
Expected<bool> PackedWriter::openAside() {
  aside = target.string() + std::string(asideSuffix);
  while (true) {
    int opened = open(aside.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (opened < 0) {
      return failure("the file beside the bundle cannot be created", errno);
    }
    // A file system without locks has to do without: two writers then waste a file.
    bool taken = flock(opened, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && isNamed(opened, aside)) {
      descriptor = opened;
      return true;
    }
    close(opened);
    if (taken) {
      return false;
    }
    // Between open and lock another process published or removed it.
  }
}

/// Of a file that a killed writer left, nothing is used.
Status PackedWriter::takeRoom() {
  if (ftruncate(descriptor, 0) != 0) {
    return failure("the file cannot be emptied", errno);
  }
  std::error_code unknown;
  std::filesystem::space_info space = std::filesystem::space(aside, unknown);
  if (!unknown && space.available < fileBytes) {
    return failure("the disk has " + bytesText(space.available) + " free", ENOSPC);
  }
  int refused = takeSpace(descriptor, fileBytes);
  return refused == 0 ? Status() : failure("there is no room for them", refused);
}

Status PackedWriter::put(uint64_t position, std::span<const std::byte> data) {
  int error = writeAt(descriptor, position, data);
  return error == 0 ? Status() : failure("writing failed", error);
}

/// `piece` of the weights, which begins at `at` and does not cross a border of pieceBytes.
Status PackedWriter::putPiece(uint64_t at, std::span<const std::byte> piece) {
  if (Status written = put(packedDataOffset + at, piece); !written) {
    return written;
  }
  hasher.update(piece);
  uint64_t done = at + piece.size();
  if (done % packedPieceBytes == 0 || done == header.dataBytes) {
    header.checksums.push_back(std::exchange(hasher, {}).finish());
  }
  // Now and then, so that progress is that of the disk and memory does not fill up.
  if (done / syncBytes != at / syncBytes && fdatasync(descriptor) != 0) {
    return failure("syncing failed", errno);
  }
  return {};
}

Status PackedWriter::write(std::span<const std::span<const std::byte>> parts,
                           const PackedProgress &progress, const std::atomic<bool> *cancel) {
  header.checksums.clear();
  uint64_t at = 0; // of all parts
  for (std::span<const std::byte> rest : parts) {
    while (!rest.empty()) {
      if (cancel && cancel->load()) {
        return Failure{"interrupted"};
      }
      auto piece = rest.first(std::min<uint64_t>(pieceBytes - at % pieceBytes, rest.size()));
      if (Status written = putPiece(at, piece); !written) {
        return written;
      }
      at += piece.size();
      rest = rest.subspan(piece.size());
      if (progress) {
        progress(at, header.dataBytes);
      }
    }
  }
  Expected<std::string> bytes = serialise(header);
  Status written = bytes ? put(0, std::as_bytes(std::span(*bytes))) : bytes.status();
  return written ? publish() : written;
}

Status PackedWriter::publish() {
  if (fsync(descriptor) != 0) {
    return failure("syncing failed", errno);
  }
  if (std::rename(aside.c_str(), target.c_str()) != 0) {
    return failure("the finished file cannot be renamed", errno);
  }
  close(std::exchange(descriptor, -1));
  syncFolderOf(target);
  return {};
}

} // namespace dsv3::runtime
