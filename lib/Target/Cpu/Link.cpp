//===- Link.cpp - from an object to a shared object -----------------------===//
//
// The linker reads and writes files. It is given descriptors instead, whose contents never
// touch a disk: a disk that fills while a mapped file is written ends the process.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Target/Cpu.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/raw_ostream.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

namespace dsv3::cpu {

static std::string descriptorPath(int descriptor) {
  return "/proc/self/fd/" + std::to_string(descriptor);
}

static Failure linkFailure(const char *what) {
  int error = errno;
  return {std::string("the kernels cannot be linked: ") + what + ": " + std::strerror(error), "",
          error == EFBIG ? "raise the limit of a file's size: ulimit -f"
                         : "end other programs, which hold memory or files"};
}

/// Writes the object to a file in memory.
static bool writeAll(int descriptor, llvm::StringRef bytes) {
  while (!bytes.empty()) {
    ssize_t count = write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) {
      return false;
    }
    bytes = bytes.drop_front(count < 0 ? 0 : static_cast<size_t>(count));
  }
  return true;
}

/// All that comes until nobody holds the other end.
static std::string readAll(int descriptor) {
  std::string bytes;
  std::array<char, 1 << 16> piece;
  for (;;) {
    ssize_t count = read(descriptor, piece.data(), piece.size());
    if (count > 0) {
      bytes.append(piece.data(), static_cast<size_t>(count));
    } else if (count == 0 || errno != EINTR) {
      return bytes;
    }
  }
}

Expected<std::string> linkSharedObject(const std::string &object) {
  int input = memfd_create("kernels.o", MFD_CLOEXEC);
  llvm::scope_exit closeInput([&] { close(input); });
  if (input < 0 || !writeAll(input, object)) {
    return linkFailure("no room for their code in memory");
  }
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return linkFailure("no pipe");
  }
  auto [out, in] = ends;
  std::string linked;
  std::thread reader([&] { linked = readAll(out); });
  std::string messages, inputPath = descriptorPath(input), output = "-o" + descriptorPath(in);
  llvm::raw_string_ostream stream(messages);
  // No names of files or times get into the output; nothing may stay undefined.
  const char *arguments[] = {"ld.lld",      "-shared",          "-zdefs",
                             "-znow",       "--hash-style=gnu", "--build-id=none",
                             "--threads=1", inputPath.c_str(),  output.c_str()};
  lld::Result result =
      lld::lldMain(arguments, llvm::nulls(), stream, {{lld::Gnu, &lld::elf::link}});
  close(in);
  reader.join();
  close(out);
  if (result.retCode != 0) {
    return Failure{"the kernels cannot be linked: " + messages, "", ""};
  }
  return linked;
}

} // namespace dsv3::cpu
