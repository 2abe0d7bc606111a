//===- CubinFolder.cpp - what a cache of compiled kernels holds -----------===//

#include "runtime/jit/CubinFolder.h"

#include "runtime/jit/KeyLock.h"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <map>
#include <sys/file.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace dsv3;
using namespace dsv3::runtime;

static KeptCubin readKept(const fs::directory_entry &file) {
  std::error_code unknown, ignored;
  uintmax_t bytes = file.file_size(unknown); // of a link to nowhere, say
  KeptCubin kept{file.path(), unknown ? 0 : bytes, file.last_write_time(ignored), {}, ""};
  Expected<std::string> content = readCubinFile(file.path());
  Expected<CubinFile> parsed = content ? parseCubin(*content, file.path().filename().string())
                                       : Expected<CubinFile>(content.failure());
  if (parsed) {
    kept.key = parsed->key;
  } else {
    kept.damage = parsed.failure().what;
  }
  return kept;
}

std::vector<KeptCubin> runtime::keptCubins(const fs::path &folder) {
  std::vector<KeptCubin> all;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    std::error_code ignored;
    if (!name.starts_with('.') && !at->is_directory(ignored)) { // what is aside, and locks
      all.push_back(readKept(*at));
    }
  }
  std::ranges::sort(all, {}, &KeptCubin::path);
  return all;
}

/// What differs between keys of the same text and target.
static std::string difference(const CubinKey &one, const CubinKey &other) {
  std::string text;
  auto add = [&](bool differs, const char *what) {
    text += !differs ? "" : (text.empty() ? "" : " and ") + std::string(what);
  };
  add(one.headers != other.headers, "device headers");
  add(one.options != other.options, "options");
  add(one.version != other.version, one.kind == CodeKind::Cubin ? "NVRTC" : "compiler");
  return text;
}

std::string runtime::whyLacking(const fs::path &folder, std::span<const CubinKey> keys) {
  std::vector<KeptCubin> kept = keptCubins(folder);
  if (kept.empty()) {
    return "";
  }
  size_t fresh = 0;
  std::map<std::string, size_t> changed;
  for (const CubinKey &key : keys) {
    std::string least; // difference from what was compiled before
    for (const KeptCubin &other : kept) {
      if (other.key.text != key.text || other.key.target != key.target) {
        continue;
      }
      std::string found = difference(key, other.key);
      least = least.empty() || found.size() < least.size() ? found : least;
    }
    ++(least.empty() ? fresh : changed[least]);
  }
  std::string text = fresh == 0 ? "" : ", " + std::to_string(fresh) + " are new";
  for (const auto &[what, count] : changed) {
    text += ", " + std::to_string(count) + " were compiled with other " + what;
  }
  return " (" + text.substr(2) + ")";
}

/// Whoever writes a file aside holds its lock.
static bool isHeld(const fs::path &path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  bool held = descriptor < 0 || flock(descriptor, LOCK_EX | LOCK_NB) != 0;
  if (descriptor >= 0) {
    close(descriptor);
  }
  return held;
}

size_t runtime::removeAbandonedCubins(const fs::path &folder) {
  size_t count = 0;
  auto young = fs::file_time_type::clock::now() - std::chrono::minutes(1); // may not be locked yet
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->path().filename().string().starts_with(asideCubinPrefix) &&
        at->last_write_time(ignored) < young && !ignored && !isHeld(at->path())) {
      count += fs::remove(at->path(), ignored) ? 1 : 0;
    }
  }
  return count;
}
