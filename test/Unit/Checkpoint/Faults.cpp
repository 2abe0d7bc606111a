//===- Faults.cpp - system calls that fail on demand ----------------------===//
#include "Faults.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <sys/syscall.h>
#include <unistd.h>

using namespace dsv3;

static thread_local test::Faults *active = nullptr;

test::Faults::Faults() { active = this; }
test::Faults::~Faults() { active = nullptr; }

/// How many bytes a write may take; nothing: it is interrupted.
static size_t allowed(size_t bytes) {
  if (!active || active->bytesOfWrite == 0 || bytes == 0) {
    return bytes;
  }
  return active->shortWrites++ % 2 == 0 ? 0 : std::min(bytes, active->bytesOfWrite);
}

extern "C" {

ssize_t write(int file, const void *data, size_t bytes) {
  size_t count = allowed(bytes);
  if (count == 0 && bytes != 0) {
    errno = EINTR;
    return -1;
  }
  return syscall(SYS_write, file, data, count);
}

ssize_t pwrite(int file, const void *data, size_t bytes, off_t position) {
  size_t count = allowed(bytes);
  if (count == 0 && bytes != 0) {
    errno = EINTR;
    return -1;
  }
  return syscall(SYS_pwrite64, file, data, count, position);
}

int rename(const char *from, const char *to) noexcept {
  if (active && ++active->renames == active->failingRename) {
    errno = EIO;
    return -1;
  }
  return int(syscall(SYS_rename, from, to));
}

int renameat2(int fromFolder, const char *from, int toFolder, const char *to,
              unsigned flags) noexcept {
  if (active) {
    ++active->exchanges;
  }
  if (active && active->refuseExchange) {
    errno = EINVAL;
    return -1;
  }
  return int(syscall(SYS_renameat2, fromFolder, from, toFolder, to, flags));
}
}
