//===- MemoryFile.h - bytes as a file in memory -----------------*- C++ -*-===//
//
// For who wants a path of what lies on no disk. Linux.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <string>
#include <string_view>

namespace dsv3::runtime {

/// Gone when destroyed. Its path is used by no other as long as it lives.
class MemoryFile {
public:
  explicit MemoryFile(std::string_view bytes = {});
  MemoryFile(const MemoryFile &) = delete;
  MemoryFile &operator=(const MemoryFile &) = delete;
  ~MemoryFile();

  /// An errno; everything else may be used only where it is 0.
  int error() const { return failed; }
  int descriptor() const { return number; }
  /// For this process, and for those that it starts.
  std::string path() const;
  /// All that lies there.
  std::string text() const;

private:
  int number, failed;
};

} // namespace dsv3::runtime
