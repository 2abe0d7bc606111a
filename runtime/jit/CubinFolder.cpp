//===- CubinFolder.cpp - what a cache of compiled kernels holds -----------===//

#include "runtime/jit/CubinFolder.h"

#include "runtime/base/KeyLock.h"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <map>
#include <optional>
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
    // A folder may be in the place of a file.
    bool inThePlace =
        name.ends_with(endingOf(CodeKind::Cubin)) || name.ends_with(endingOf(CodeKind::HostObject));
    if (!name.starts_with('.') && (inThePlace || !at->is_directory(ignored))) { // aside, and locks
      all.push_back(readKept(*at));
    }
  }
  std::ranges::sort(all, {}, &KeptCubin::path);
  return all;
}

namespace {
/// How what is kept was made differently: "with other device headers and options".
struct Difference {
  size_t parts = 0;
  std::string text;
};
} // namespace

/// Between keys of the same text.
static Difference difference(const CubinKey &one, const CubinKey &other) {
  Difference found;
  if (one.target != other.target) {
    found = {1, "for another architecture"};
  }
  std::string with;
  auto add = [&](bool differs, const char *what) {
    found.parts += differs ? 1 : 0;
    with += !differs ? "" : (with.empty() ? "with other " : " and ") + std::string(what);
  };
  add(one.headers != other.headers, "device headers");
  add(one.options != other.options, "options");
  add(one.version != other.version, one.kind == CodeKind::Cubin ? "NVRTC" : "compiler");
  found.text += (found.text.empty() || with.empty() ? "" : " and ") + with;
  return found;
}

/// A clause without its number.
static std::string reason(const std::vector<KeptCubin> &kept, const CubinKey &key) {
  std::optional<Difference> least;
  bool sameTarget = false;
  for (const KeptCubin &other : kept) {
    sameTarget |= other.key.target == key.target;
    if (other.key.text != key.text) {
      continue;
    }
    Difference found = difference(key, other.key);
    if (!least || found.parts < least->parts) {
      least = std::move(found);
    }
  }
  if (least) {
    return least->parts > 0 ? "were compiled " + least->text
                            : "were compiled by another process meanwhile";
  }
  return sameTarget ? "have a new text" : "are the first for " + key.target;
}

std::string runtime::whyLacking(const fs::path &folder, std::span<const CubinKey> keys) {
  std::vector<KeptCubin> kept = keptCubins(folder);
  std::erase_if(kept, [&](const KeptCubin &other) {
    return !other.damage.empty() || keys.empty() || other.key.kind != keys.front().kind;
  });
  if (kept.empty()) {
    return "";
  }
  std::map<std::string, size_t> clauses;
  for (const CubinKey &key : keys) {
    ++clauses[reason(kept, key)];
  }
  std::string text;
  for (const auto &[clause, count] : clauses) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + clause;
  }
  return " (" + text + ")";
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
