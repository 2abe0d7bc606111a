//===- PackedFile.h - packed weights on disk --------------------*- C++ -*-===//
//
// Writes and maps the file that PackedHeader.h describes. It is written aside, to a file
// of one fixed name that the writer locks, and renamed once: what a killed writer leaves
// is overwritten by the next, or removed. POSIX.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/base/FileMapping.h"
#include "runtime/params/PackedHeader.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dsv3::runtime {

/// How far a long work has come.
using PackedProgress = std::function<void(uint64_t done, uint64_t total)>;

/// Packed weights that are mapped, and what they should be.
struct PackedWeights {
  FileMapping mapping;
  std::vector<Hash128> checksums; ///< of each piece
};

/// Maps the weights of the file `path`. Fails, with a half sentence that says why, if its
/// header is damaged or it was made from something else than `wanted` names; reads no weights.
Expected<PackedWeights> mapPacked(const std::filesystem::path &path, const PackedHeader &wanted);
/// Reads all weights. Fails, with a half sentence, if a piece is not what it was when it was
/// written or cannot be read, or with "interrupted" once `cancel` (may be null) is true.
Status verify(const PackedWeights &weights, const PackedProgress &progress,
              const std::atomic<bool> *cancel);

/// Removes files aside that killed writers left in a bundle's folder; how many. One that a process
/// is writing is locked, and stays.
size_t removeAbandonedPacked(const std::filesystem::path &bundle);

/// Used by one thread. Owns the file aside until it is published.
class PackedWriter {
public:
  /// Takes the room for the whole file, where the file system can, so that a disk that is
  /// too full is found before the weights are packed. Nothing if another process is
  /// writing the file.
  static Expected<std::optional<PackedWriter>> create(const std::filesystem::path &path,
                                                      const PackedHeader &header);
  PackedWriter(PackedWriter &&other) noexcept;
  PackedWriter &operator=(PackedWriter &&) = delete;
  /// Removes what was not published.
  ~PackedWriter();

  /// Writes the weights, one part behind the other, and publishes the file. Fails with
  /// "interrupted" once `cancel` (may be null) is true. Call it once.
  Status write(std::span<const std::span<const std::byte>> parts, const PackedProgress &progress,
               const std::atomic<bool> *cancel);

private:
  PackedWriter() = default;
  Failure failure(const std::string &what, int error) const;
  Expected<bool> openAside();
  Status takeRoom();
  Status put(uint64_t position, std::span<const std::byte> data);
  Status putPiece(uint64_t at, std::span<const std::byte> piece);
  Status publish();

  std::filesystem::path target, aside;
  PackedHeader header; ///< with the checksums of what is written
  Hasher128 hasher;    ///< of the piece of weights that is being written
  uint64_t fileBytes = 0;
  int descriptor = -1; ///< of the file aside, locked
};

} // namespace dsv3::runtime
