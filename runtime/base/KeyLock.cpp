//===- KeyLock.cpp - one at a time makes what a key names -----------------===//

#include "runtime/base/KeyLock.h"

#include "dsv3/Support/Hash.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::runtime;

KeyLock::KeyLock(const std::filesystem::path &folder, std::string_view key,
                 const std::atomic<bool> *cancel, const std::function<void()> &waits) {
  if (folder.empty()) {
    return;
  }
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  descriptor = open((folder / fileName).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  struct flock byte = {};
  byte.l_type = F_WRLCK;
  byte.l_whence = SEEK_SET;
  byte.l_start = off_t(hash128(key).first >> 1); // not negative
  byte.l_len = 1;
  // Of the open file, not of the process: other threads wait, too.
  constexpr auto pause = std::chrono::milliseconds(5);
  bool said = !waits;
  while (descriptor >= 0 && fcntl(descriptor, F_OFD_SETLK, &byte) != 0 &&
         (errno == EAGAIN || errno == EACCES || errno == EINTR) && !(cancel && cancel->load())) {
    if (!said) {
      waits();
    }
    said = true;
    std::this_thread::sleep_for(pause);
  }
}

KeyLock::~KeyLock() {
  if (descriptor >= 0) {
    close(descriptor);
  }
}
