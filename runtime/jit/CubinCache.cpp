//===- CubinCache.cpp - compiled GPU kernels on disk ----------------------===//

#include "runtime/jit/CubinCache.h"

#include "dsv3/Plan/GpuKernel.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/FileWriting.h"
#include "dsv3/Support/Hash.h"
#include "runtime/jit/Nvrtc.h"
#include "runtime/kernels/DeviceHeaders.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace dsv3;
using namespace dsv3::runtime;

static constexpr std::string_view magic = "DSV3CUB3";
static constexpr size_t mostCubinBytes = size_t(1) << 28;

static std::string optionsHash(std::string_view options) {
  Hasher128 hasher;
  hasher.update(options);
  hasher.update(uint64_t(plan::gpuKernelAbiRevision));
  return hasher.finish().hex();
}

CubinKey CubinKey::of(std::string_view text, std::string_view architecture, std::string nvrtc) {
  return {hash128(text).hex(), std::string(deviceHeadersHash()), optionsHash(Nvrtc::options()),
          std::string(architecture), std::move(nvrtc)};
}

CubinKey CubinKey::ofHost(std::string_view text, std::string_view headers, std::string_view options,
                          std::string version) {
  return {hash128(text).hex(), std::string(headers), optionsHash(options), "host",
          std::move(version),  CodeKind::HostObject};
}

static std::string_view beforeVersion(CodeKind kind) {
  return kind == CodeKind::Cubin ? ".nvrtc-" : ".host-";
}
std::string_view runtime::endingOf(CodeKind kind) {
  return kind == CodeKind::Cubin ? ".cubin" : ".so";
}

std::string CubinKey::content() const {
  Hasher128 hasher;
  for (const std::string *part : {&text, &headers, &options, &target}) {
    hasher.update(uint64_t(part->size()));
    hasher.update(*part);
  }
  return hasher.finish().hex();
}

std::string CubinKey::fileName() const {
  return content() + std::string(beforeVersion(kind)) + version + std::string(endingOf(kind));
}

static std::string checksumOf(std::string_view log, std::string_view code) {
  Hasher128 hasher;
  for (std::string_view part : {log, code}) {
    hasher.update(uint64_t(part.size()));
    hasher.update(part);
  }
  return hasher.finish().hex();
}

/// Magic, a line for each part of the key, the sizes of log and code and their checksum, then
/// these two.
std::string runtime::serialiseCubin(const CubinKey &key, const KernelCode &cubin) {
  std::string bytes(magic);
  for (const std::string &line :
       {key.text, key.headers, key.options, key.target, key.version,
        std::string(endingOf(key.kind)), std::to_string(cubin.log.size()),
        std::to_string(cubin.code.size()), checksumOf(cubin.log, cubin.code)}) {
    bytes += "\n" + line;
  }
  return bytes + "\n" + cubin.log + cubin.code;
}

Expected<CubinFile> runtime::parseCubin(std::string_view bytes, const std::string &fileName) {
  bool whole = true; // the lines so far
  auto line = [&] {
    size_t end = bytes.find('\n');
    whole = whole && end != bytes.npos;
    std::string text(bytes.substr(0, whole ? end : 0));
    bytes.remove_prefix(whole ? end + 1 : 0);
    return text;
  };
  if (line() != magic) {
    return Failure{"expected a file that begins with " + std::string(magic), fileName};
  }
  CubinKey key;
  for (std::string *part : {&key.text, &key.headers, &key.options, &key.target, &key.version}) {
    *part = line();
  }
  key.kind = line() == endingOf(CodeKind::Cubin) ? CodeKind::Cubin : CodeKind::HostObject;
  if (key.fileName() != fileName) {
    return Failure{"expected the kernel of this name, found " + key.fileName(), fileName};
  }
  std::string logSize = line(), codeSize = line(), checksum = line();
  size_t logBytes = 0;
  std::from_chars(logSize.data(), logSize.data() + logSize.size(), logBytes);
  logBytes = std::min(logBytes, bytes.size());
  size_t codeBytes = bytes.size() - logBytes;
  if (!whole || logSize != std::to_string(logBytes) || codeSize != std::to_string(codeBytes)) {
    return Failure{"expected " + logSize + " bytes of a compiler's words and " + codeSize +
                       " of code, found " + std::to_string(bytes.size()) + " in all",
                   fileName};
  }
  std::string_view log = bytes.substr(0, logBytes), code = bytes.substr(logBytes);
  if (checksum != checksumOf(log, code)) {
    return Failure{"its checksum is another", fileName};
  }
  return CubinFile{std::move(key), {std::string(code), std::string(log)}};
}

Expected<std::string> runtime::readCubinFile(const fs::path &path) {
  std::error_code error;
  if (fs::symlink_status(path, error).type() != fs::file_type::regular) {
    return Failure{"expected a file of a kernel, found something else", path.string()};
  }
  return readFile(path, mostCubinBytes);
}

static std::optional<KernelCode> readOne(const fs::path &path) {
  Expected<std::string> bytes = readCubinFile(path);
  if (!bytes) {
    return std::nullopt;
  }
  Expected<CubinFile> file = parseCubin(*bytes, path.filename().string());
  return file ? std::optional(std::move(file->cubin)) : std::nullopt;
}

std::optional<KernelCode> runtime::readCubin(const fs::path &folder, const CubinKey &key) {
  fs::path path = folder / key.fileName();
  std::optional<KernelCode> code = readOne(path);
  if (code) {
    std::error_code ignored; // of a cache that cannot be written
    fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
  }
  return code;
}

std::optional<KernelCode> runtime::readAnyCubin(const fs::path &folder,
                                                const std::string &content) {
  std::error_code error;
  fs::path last;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (name.starts_with(content + std::string(beforeVersion(CodeKind::Cubin))) &&
        name.ends_with(endingOf(CodeKind::Cubin)) && name > last.filename().string()) {
      last = at->path();
    }
  }
  return last.empty() ? std::nullopt : readOne(last);
}

Status runtime::writeCubin(const fs::path &folder, const CubinKey &key, const KernelCode &cubin) {
  fs::path target = folder / key.fileName();
  auto cannot = [&](const std::string &what) {
    return Failure{"cannot keep a compiled kernel: " + what, target.string(),
                   "set XDG_CACHE_HOME to a folder that can be written"};
  };
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return cannot(error.message());
  }
  std::string aside = (folder / (std::string(asideCubinPrefix) + "XXXXXX")).string();
  int descriptor = mkostemp(aside.data(), O_CLOEXEC);
  if (descriptor < 0) {
    return cannot(std::strerror(errno));
  }
  flock(descriptor, LOCK_EX | LOCK_NB); // says that somebody writes it
  std::string bytes = serialiseCubin(key, cubin);
  int failed = writeAt(descriptor, 0, std::as_bytes(std::span(bytes)));
  failed = failed == 0 && fchmod(descriptor, 0644) != 0 ? errno : failed;
  failed = failed == 0 && fsync(descriptor) != 0 ? errno : failed;
  close(descriptor);
  if (failed == 0 && std::rename(aside.c_str(), target.c_str()) != 0) {
    failed = errno;
  }
  if (failed != 0) {
    unlink(aside.c_str());
    return cannot(std::strerror(failed));
  }
  return {};
}
