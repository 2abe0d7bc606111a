//===- OutputFile.h - a file that appears whole or not at all ---*- C++ -*-===//
//
// Private to lib/Checkpoint. Writes beside the target and renames once everything is
// on disk. A target that is no regular file (a pipe, /dev/null) is written in place,
// since replacing it would destroy it. POSIX.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace dsv3::checkpoint {

/// Owns the descriptor and, until publish() succeeds, the file aside.
class OutputFile {
public:
  static Expected<OutputFile> create(const std::filesystem::path &path);

  OutputFile(OutputFile &&other) noexcept;
  OutputFile &operator=(OutputFile &&) = delete;
  /// Removes what was not published.
  ~OutputFile();

  Status write(std::span<const std::byte> data);
  /// Syncs, closes and renames. Call it once, last.
  Status publish();

private:
  OutputFile() = default;
  Failure failure(const char *what, int error) const;

  std::filesystem::path target;   ///< what the caller asked for
  std::filesystem::path resolved; ///< target with symbolic links followed
  std::string aside;              ///< the file being written; empty if in place
  int descriptor = -1;
  uint64_t written = 0;
};

} // namespace dsv3::checkpoint
