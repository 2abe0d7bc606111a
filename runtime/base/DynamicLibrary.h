//===- DynamicLibrary.h - libraries that may not be there -------*- C++ -*-===//
//
// Opens a library of another maker at run time, so that one program serves machines
// with and without it. POSIX.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <filesystem>
#include <string>
#include <vector>

namespace dsv3::runtime {

/// A library that is opened once and stays until the process ends: NVRTC and the CUDA driver keep
/// memory and handlers of their own, which unloading would lose or leave dangling.
class DynamicLibrary {
public:
  /// Where to look: the file names, best first, each in every folder and then where the system's
  /// loader looks.
  struct Search {
    std::string what; ///< for people: "NVRTC, the compiler for NVIDIA GPUs"
    std::vector<std::string> names;
    std::vector<std::filesystem::path> folders;
    std::string hint;
  };
  /// The first that can be opened. Fails with a sentence that names files and folders.
  static Expected<DynamicLibrary> open(const Search &search);

  /// Null if there is none of that name.
  void *find(const char *symbol) const;
  /// As it was opened.
  const std::string &path() const { return opened; }

private:
  void *handle = nullptr;
  std::string opened;
};

} // namespace dsv3::runtime
