//===- CompileKey.h - what a compiled bundle depends on ---------*- C++ -*-===//
//
// What decides what dsv3-compile makes: its input, the variant and its version. Bundles in the
// cache are named by it: of two that differ in any part, none is taken for the other. Not in it:
// the shared libraries of LLVM, MLIR and LLD that dsv3-compile loads, which only running it could
// tell; a bundle that an older release of them made is as good, and --rebuild makes a new one. The
// key lies beside the bundle, part by part, so that a miss can say what has changed. Where the
// input lies is a part since packed weights are kept beside the bundle: each checkpoint has its
// own.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::runtime {

struct CompileRequest {
  /// --model, or --config with a file for weights that are made up.
  std::string inputFlag = "--model";
  std::filesystem::path input;
  /// Names the input's contents: the checkpoint's identity.
  std::string identity;
  /// The kind of CPU or GPU that code is made for.
  std::string variant;
  /// Flags that the compiler is given besides, and their values.
  std::vector<std::string> options = {};
  /// Compile even if there is a bundle.
  bool rebuild = false;
  /// Once true, compiling stops and fails with "interrupted". May be null.
  const std::atomic<bool> *cancel = nullptr;
  /// Asked before anything is compiled; its failure is passed on.
  std::function<Status()> admit = [] { return Status(); };
  /// Told what is being done, a sentence at a time.
  std::function<void(const std::string &)> say;
};

struct CompileKey {
  /// What it consists of. `Input` is a path without links, whatever folder the process is in;
  /// `Version` is of dsv3: the plan's format and the table of families.
  enum Part : uint8_t { Input, InputFlag, Identity, Variant, Version, Compiler, Options };
  static constexpr size_t partCount = Options + 1;
  std::array<std::string, partCount> parts;

  /// That of a request to this compiler, in this version of dsv3.
  static CompileKey of(const CompileRequest &request, const std::filesystem::path &compiler);
  /// A name of 32 digits.
  std::string name() const;
  /// The parts as lines, and back: nothing if there are not as many.
  std::string text() const;
  static std::optional<CompileKey> parse(std::string_view text);
};

/// Beside a bundle in the cache: the text of its key.
inline constexpr const char *compileKeyFile = "cache-key";
/// The key of the bundle in a folder; nothing if there is none of this version, or a damaged one.
std::optional<CompileKey> readCompileKey(const std::filesystem::path &bundle);

/// Why a cache has no bundle of this key, for a line that says what is compiled: what is different
/// in the bundle of this input, or of equal contents, that differs least, " (it was compiled for
/// x86-64-v4)". Empty if there is none, or one that has the key.
std::string whyCompiled(const std::filesystem::path &cache, const CompileKey &key);

} // namespace dsv3::runtime
