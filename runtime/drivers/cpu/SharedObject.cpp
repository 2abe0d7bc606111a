//===- SharedObject.cpp - compiled kernels from a file --------------------===//

#include "runtime/drivers/cpu/SharedObject.h"

#include "dsv3/Plan/Names.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"
#include "runtime/base/Cpu.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fstream>

using namespace dsv3;
using namespace dsv3::runtime;

static const char *const compileAgain = "compile the bundle again with dsv3-compile";

static Expected<std::string> checksumOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    int error = errno;
    std::string hint = hintOfLimit(error);
    return Failure{"cannot open the kernels: " + std::string(std::strerror(error)), path,
                   hint.empty() ? compileAgain : hint};
  }
  Hasher128 hasher;
  std::vector<char> block(size_t(1) << 20);
  do {
    file.read(block.data(), std::streamsize(block.size()));
    hasher.update(std::as_bytes(std::span(block.data(), size_t(file.gcount()))));
  } while (file);
  if (file.bad()) {
    return Failure{"cannot read the kernels: " + std::string(std::strerror(errno)), path};
  }
  return hasher.finish().hex();
}

static std::string loaderMessage() {
  const char *text = dlerror();
  return text ? text : "no reason given";
}

Expected<std::unique_ptr<SharedObject>> SharedObject::open(const ObjectFile &file,
                                                           std::span<const std::string> symbols) {
  Expected<std::string> checksum = checksumOf(file.path);
  if (!checksum) {
    return checksum.failure();
  }
  if (*checksum != file.checksum) {
    return Failure{"expected kernels with checksum " + file.checksum + ", found " + *checksum,
                   file.path, compileAgain};
  }
  // Without a slash, dlopen would search the system's libraries.
  std::string path = file.path.find('/') == std::string::npos ? "./" + file.path : file.path;
  std::unique_ptr<SharedObject> object(new SharedObject());
  object->handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!object->handle) {
    return Failure{"cannot load the kernels: " + loaderMessage(), file.path, compileAgain};
  }
  object->functions.reserve(symbols.size());
  for (const std::string &symbol : symbols) {
    void *found = dlsym(object->handle, symbol.c_str());
    if (!found) {
      return Failure{"expected a kernel '" + symbol + "', found none of this name", file.path,
                     compileAgain};
    }
    object->functions.push_back(reinterpret_cast<plan::KernelFunction>(found));
  }
  auto tell = [&](std::string_view symbol, bool value) {
    if (void *number = dlsym(object->handle, std::string(symbol).c_str())) {
      *static_cast<int32_t *>(number) = value ? 1 : 0;
    }
  };
  tell(plan::asksFirstLevelSymbol, asksFirstLevel());
  tell(plan::assistsSubnormalsSymbol, assistsSubnormals());
  return object;
}

SharedObject::~SharedObject() {
  if (handle) {
    dlclose(handle);
  }
}
