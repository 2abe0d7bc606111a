//===- DynamicLibrary.cpp - libraries that may not be there ---------------===//

#include "runtime/base/DynamicLibrary.h"

#include <dlfcn.h>
#include <utility>

using namespace dsv3;
using namespace dsv3::runtime;

void *DynamicLibrary::find(const char *symbol) const { return dlsym(handle, symbol); }

template <typename Names>
static std::string listed(const Names &names) {
  std::string text;
  for (const auto &name : names) {
    text += (text.empty() ? "" : ", ") + std::string(name);
  }
  return text;
}

Expected<DynamicLibrary> DynamicLibrary::open(const Search &search) {
  std::string reason;
  auto attempt = [&](const std::string &path) {
    DynamicLibrary library;
    library.handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    library.opened = path;
    if (const char *text = library.handle ? nullptr : dlerror()) {
      reason = text;
    }
    return library;
  };
  // A file that is there and cannot be opened says more than one that is not there.
  for (const std::filesystem::path &folder : search.folders) {
    for (const std::string &name : search.names) {
      std::error_code error;
      if (!std::filesystem::exists(folder / name, error)) {
        continue;
      }
      if (DynamicLibrary library = attempt((folder / name).string()); library.handle) {
        return library;
      }
    }
  }
  std::string ofFile = std::exchange(reason, "");
  for (const std::string &name : search.names) {
    if (DynamicLibrary library = attempt(name); library.handle) {
      return library;
    }
  }
  std::string folders = listed(search.folders);
  return Failure{"expected " + search.what + ", found none that can be opened: looked for " +
                     listed(search.names) + (folders.empty() ? "" : " in " + folders + " and") +
                     " where the system's loader looks" +
                     (ofFile.empty() ? "" : " (" + ofFile + ")"),
                 "", search.hint};
}
