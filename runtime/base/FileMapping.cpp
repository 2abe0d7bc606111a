//===- FileMapping.cpp - a part of a file as memory -----------------------===//

#include "runtime/base/FileMapping.h"

#include "dsv3/Support/File.h"
#include "runtime/base/Memory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <utility>

using namespace dsv3;
using namespace dsv3::runtime;

FileMapping::FileMapping(FileMapping &&other) noexcept
    : begin(std::exchange(other.begin, nullptr)), length(std::exchange(other.length, 0)),
      listedName(std::move(other.listedName)) {}

FileMapping &FileMapping::operator=(FileMapping &&other) noexcept {
  std::swap(begin, other.begin);
  std::swap(length, other.length);
  listedName = std::move(other.listedName);
  return *this;
}

FileMapping::~FileMapping() {
  if (begin) {
    munmap(begin, length);
  }
}

Expected<FileMapping> FileMapping::map(int descriptor, uint64_t offset, uint64_t bytes,
                                       std::string_view name) {
  FileMapping mapping;
  if (bytes == 0) {
    return mapping;
  }
  auto failed = [] { return Failure{std::string("cannot map the file: ") + std::strerror(errno)}; };
  // The kernel aligns to small pages: reserve more, and map over the part on the border.
  uint64_t reserved = bytes + hugePage;
  void *found =
      mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (found == MAP_FAILED) {
    return failed();
  }
  auto *first = static_cast<std::byte *>(found);
  uint64_t before = -reinterpret_cast<uintptr_t>(first) % hugePage;
  void *mapped =
      mmap(first + before, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, descriptor, off_t(offset));
  if (mapped == MAP_FAILED) {
    Failure failure = failed();
    munmap(found, reserved);
    return failure;
  }
  if (before > 0) {
    munmap(first, before);
  }
  uint64_t used = (before + bytes + smallPage - 1) / smallPage * smallPage;
  if (used < reserved) {
    munmap(first + used, reserved - used);
  }
  mapping.begin = static_cast<std::byte *>(mapped);
  mapping.length = bytes;
  mapping.listedName = MappingName(mapped, bytes, name);
  madvise(mapped, bytes, MADV_HUGEPAGE); // advice: few file systems have them
  return mapping;
}

Status FileMapping::fetch(uint64_t first, uint64_t count) const {
  return fetchMapped(bytes().subspan(first, std::min(length - first, count)));
}
