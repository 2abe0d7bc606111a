//===- OutputFile.h - a file that appears whole or not at all ---*- C++ -*-===//
//
// Writes a file of known size, in any order, that gets its name once everything is on
// disk: whoever is killed before leaves nothing. Where the file system has no files without
// a name, it is one beside the target. A target that is no regular file (a pipe, /dev/null)
// cannot be replaced: the file aside is then a temporary one, which is copied to it in the
// end. Linux.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include <sys/types.h>

namespace dsv3::checkpoint {

/// Owns the descriptors and, until publish() succeeds, a file aside.
class OutputFile {
public:
  /// Takes the space for `bytes` at once, where the file system can: a disk that is too
  /// full is found before what shall be written was computed.
  static Expected<OutputFile> create(const std::filesystem::path &path, uint64_t bytes);

  OutputFile(OutputFile &&other) noexcept;
  OutputFile &operator=(OutputFile &&) = delete;
  /// Removes what was not published.
  ~OutputFile();

  /// Writes at `position` from the beginning.
  Status write(uint64_t position, std::span<const std::byte> data);
  /// Syncs, closes and names the file, or copies it. Call it once, last.
  Status publish();

private:
  OutputFile() = default;
  Failure failure(const char *what, int error) const;
  Status openBeside(bool replaces, mode_t mode);
  Status openTemporary();
  bool openNameless();
  Status giveName();
  Status copyToTarget();

  std::filesystem::path target;   ///< what the caller asked for
  std::filesystem::path resolved; ///< target with symbolic links followed
  std::string aside;              ///< the name of the file being written; empty if it has none
  int descriptor = -1;
  int device = -1; ///< the target, if it is no regular file
  uint64_t expected = 0;
};

} // namespace dsv3::checkpoint
