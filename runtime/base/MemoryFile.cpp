//===- MemoryFile.cpp - bytes as a file in memory -------------------------===//

#include "runtime/base/MemoryFile.h"

#include "dsv3/Support/FileWriting.h"

#include <array>
#include <cerrno>
#include <span>
#include <sys/mman.h>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::runtime;

MemoryFile::MemoryFile(std::string_view bytes) : number(memfd_create("memory", MFD_CLOEXEC)) {
  failed = number < 0 ? errno : writeAt(number, 0, std::as_bytes(std::span(bytes)));
}

MemoryFile::~MemoryFile() {
  if (number >= 0) {
    close(number);
  }
}

std::string MemoryFile::path() const {
  return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(number);
}

std::string MemoryFile::text() const {
  std::string bytes;
  std::array<char, 4096> part;
  for (ssize_t got = 0; (got = pread(number, part.data(), part.size(), off_t(bytes.size()))) > 0;) {
    bytes.append(part.data(), size_t(got));
  }
  return bytes;
}
