//===- Faults.h - system calls that fail on demand --------------*- C++ -*-===//
//
// This program has its own write, pwrite, rename and renameat2, which the code under test
// calls too: what a disk, a pipe or a file system does once in years, a test asks for.
// Without a fault they are the system's.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>

namespace dsv3::test {

/// In effect for the calls of this thread as long as it lives; one at a time.
class Faults {
public:
  Faults();
  ~Faults();
  Faults(const Faults &) = delete;
  Faults &operator=(const Faults &) = delete;

  /// Most bytes of one write; every other one is interrupted before it begins.
  size_t bytesOfWrite = 0; ///< 0: no fault
  /// Renames of two names that exist are exchanged, or refused as by NFS.
  bool refuseExchange = false;
  /// The rename, counted from 1, that fails with EIO.
  int failingRename = 0; ///< 0: none

  /// What has happened so far.
  int shortWrites = 0, exchanges = 0, renames = 0;
};

} // namespace dsv3::test
