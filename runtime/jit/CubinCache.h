//===- CubinCache.h - compiled GPU kernels on disk --------------*- C++ -*-===//
//
// One file for each kernel, named by all that decides its code: text, device headers,
// options, architecture and the version of NVRTC. The simulated GPU keeps its kernels the
// same way, as shared objects of a C++ compiler. Files are written aside and renamed once, so
// readers see a whole file or none; whoever comes second replaces equal bytes. Each has a
// magic, its key, part by part, its sizes and a checksum, and is not trusted without. What the
// compiler said lies beside the code, so that code from the cache tells as much as fresh code. A
// bundle can hold such files too (`--precompile`). POSIX.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace dsv3::runtime {

/// What a compiled kernel is: a cubin of NVRTC, or a shared object for the host.
enum class CodeKind : uint8_t { Cubin, HostObject };

/// What a compiler made of a kernel's text.
struct KernelCode {
  std::string code;
  std::string log; ///< what it said besides, most often nothing
  bool operator==(const KernelCode &) const = default;
};

/// What decides the code of a kernel. Hashes are in hexadecimal.
struct CubinKey {
  std::string text, headers, options; ///< hashes; the options' has the ABI in it, too
  std::string target;                 ///< "sm_90a", or "host"
  std::string version;                ///< of the compiler: "13.0", of one for the host a hash
  CodeKind kind = CodeKind::Cubin;

  static CubinKey of(std::string_view text, std::string_view architecture, std::string nvrtc);
  static CubinKey ofHost(std::string_view text, std::string_view headers, std::string_view options,
                         std::string version);
  /// A hash of all but the version.
  std::string content() const;
  /// "HASH.nvrtc-13.0.cubin", "HASH.host-HASH.so".
  std::string fileName() const;
  bool operator==(const CubinKey &) const = default;
};

/// The cubin of exactly this key, which counts as used now; nothing if there is none that is whole.
std::optional<KernelCode> readCubin(const std::filesystem::path &folder, const CubinKey &key);
/// The cubin that any version of the compiler made of this content; of several the one whose name
/// is last.
std::optional<KernelCode> readAnyCubin(const std::filesystem::path &folder,
                                       const std::string &content);
/// Makes the folder where need be. Fails where the file cannot be written.
Status writeCubin(const std::filesystem::path &folder, const CubinKey &key,
                  const KernelCode &cubin);

/// How the names of files begin that are not written yet; whoever is killed leaves them.
inline constexpr std::string_view asideCubinPrefix = ".aside-";
/// How those of others end.
std::string_view endingOf(CodeKind kind);

struct CubinFile {
  CubinKey key;
  KernelCode cubin;
};
/// The bytes of a file and back; the latter fails on anything else than what the former made
/// for the key that the file's name says.
std::string serialiseCubin(const CubinKey &key, const KernelCode &cubin);
Expected<CubinFile> parseCubin(std::string_view bytes, const std::string &fileName);
/// That of the file, which is not followed if it is a link, or is no file.
Expected<std::string> readCubinFile(const std::filesystem::path &path);

} // namespace dsv3::runtime
