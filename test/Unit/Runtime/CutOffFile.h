//===- CutOffFile.h - a mapped file that becomes shorter --------*- C++ -*-===//
//
// What a program meets whose checkpoint is overwritten while it runs.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "TemporaryDirectory.h"
#include "runtime/base/FileMapping.h"

#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace dsv3::test {

/// A file of 100000 bytes, mapped as a whole.
struct CutOffFile {
  CutOffFile() : path(directory.write("weights", std::string(bytes, 'x'))) {
    int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    auto mapped = runtime::FileMapping::map(descriptor, 0, bytes, path.string());
    close(descriptor);
    if (!mapped) {
      throw std::runtime_error(mapped.failure().message());
    }
    mapping = *std::move(mapped);
  }

  const std::byte *end() const { return mapping.bytes().data() + bytes; }
  /// Leaves nothing of the file where its last byte was.
  void cutOff() const { std::filesystem::resize_file(path, 10); }

  static constexpr size_t bytes = 100'000;
  TemporaryDirectory directory;
  std::filesystem::path path;
  runtime::FileMapping mapping;
};

} // namespace dsv3::test
