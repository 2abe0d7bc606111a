//===- CompileKey.h - what a compiled bundle depends on ---------*- C++ -*-===//
//
// All that decides what dsv3-compile makes. Bundles in the cache are named by it: of two
// that differ in any part, none is taken for the other.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace dsv3::runtime {

struct CompileRequest;

struct CompileKey {
  std::string inputFlag, identity;
  uint64_t planFormat = 0;
  std::string families; ///< hash of the table
  uint64_t compilerBytes = 0;
  int64_t compilerDate = 0; ///< in ticks of the file system's clock

  /// That of a request to this compiler, in this version of dsv3.
  static CompileKey of(const CompileRequest &request, const std::filesystem::path &compiler);
  /// A name of 32 digits.
  std::string name() const;
};

} // namespace dsv3::runtime
