//===- CacheEntries.cpp - what dsv3-run has compiled and kept -------------===//
#include "runtime/cli/CacheEntries.h"

#include "dsv3/Checkpoint/AsideFolder.h"
#include "dsv3/Plan/Names.h"
#include "runtime/bundle/CompileCache.h"
#include "runtime/jit/CubinFolder.h"
#include "runtime/params/PackedFile.h"

#include <algorithm>

namespace fs = std::filesystem;

namespace dsv3::cli {

static bool isHash(const std::string &name) {
  constexpr size_t digits = 32;
  return name.size() == digits && name.find_first_not_of("0123456789abcdef") == name.npos;
}

static uint64_t bytesBelow(const fs::path &folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    uint64_t size = at->is_regular_file(ignored) ? at->file_size(ignored) : 0;
    bytes += ignored ? 0 : size;
  }
  return bytes;
}

static CacheEntry modelEntry(const fs::path &path) {
  std::error_code ignored;
  CacheEntry entry{path, "model", true, bytesBelow(path), fs::last_write_time(path, ignored), ""};
  Expected<runtime::Bundle> bundle = runtime::Bundle::open(path);
  Status sound = bundle ? runtime::checkKernels(*bundle) : bundle.status();
  if (!sound) {
    entry.problem = sound.failure().what;
  }
  if (bundle) {
    std::optional<runtime::CompileKey> key = runtime::readCompileKey(path);
    entry.what = key                    ? key->parts[runtime::CompileKey::InputFlag] + " " +
                                              key->parts[runtime::CompileKey::Input]
                 : bundle->checkpoint() ? bundle->checkpoint()->string()
                                        : "a configuration alone";
    entry.what += ", policy " + bundle->plan().policy + ", for";
    for (const plan::Variant &variant : bundle->plan().variants) {
      entry.what += " " + variant.name;
    }
    if (key && !key->parts[runtime::CompileKey::Options].empty()) {
      entry.what += ", with " + key->parts[runtime::CompileKey::Options];
    }
  }
  return entry;
}

static CacheEntry kernelEntry(const runtime::KeptCubin &kept) {
  std::string what = "kernel";
  if (kept.damage.empty()) {
    bool host = kept.key.kind == runtime::CodeKind::HostObject;
    what +=
        host ? " for the simulated GPU" : " for " + kept.key.target + ", NVRTC " + kept.key.version;
  }
  return {kept.path, what, false, kept.bytes, kept.used, kept.damage};
}

/// The folders of compiled models.
static std::vector<fs::path> modelsIn(const fs::path &cache) {
  std::vector<fs::path> models;
  std::error_code error;
  for (fs::directory_iterator at(cache, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (isHash(at->path().filename().string()) && fs::is_directory(at->symlink_status(ignored))) {
      models.push_back(at->path());
    }
  }
  return models;
}

std::vector<CacheEntry> cacheEntries(const fs::path &cache) {
  std::vector<CacheEntry> entries;
  for (const fs::path &model : modelsIn(cache)) {
    entries.push_back(modelEntry(model));
  }
  for (const runtime::KeptCubin &kept : runtime::keptCubins(cache / plan::cubinFolderName)) {
    entries.push_back(kernelEntry(kept));
  }
  std::ranges::sort(entries, {},
                    [](const CacheEntry &entry) { return std::pair(entry.used, entry.path); });
  return entries;
}

std::vector<CacheEntry> bundleEntries(const fs::path &bundle) {
  std::vector<CacheEntry> entries{modelEntry(bundle)};
  for (const runtime::KeptCubin &kept : runtime::keptCubins(bundle / plan::cubinFolderName)) {
    entries.push_back(kernelEntry(kept));
  }
  return entries;
}

std::vector<CacheEntry> beyondLimits(const std::vector<CacheEntry> &entries,
                                     const CacheLimits &limits, fs::file_time_type now) {
  uint64_t bytes = 0;
  for (const CacheEntry &entry : entries) {
    bytes += entry.bytes;
  }
  std::vector<CacheEntry> gone;
  for (const CacheEntry &entry : entries) {
    bool old = limits.age && now - entry.used > *limits.age;
    bool large = limits.bytes && bytes > *limits.bytes;
    if (old || large) {
      bytes -= entry.bytes;
      gone.push_back(entry);
    }
  }
  return gone;
}

Status removeEntry(const fs::path &cache, const CacheEntry &entry) {
  std::error_code error;
  if (entry.model) {
    // Renamed first: nobody finds one that is removed in part. It goes with the folder.
    checkpoint::AsideFolder aside(cache);
    error = aside.error();
    if (!error) {
      fs::rename(entry.path, aside.path() / "removed", error);
    }
  } else {
    fs::remove_all(entry.path, error);
  }
  return !error || error == std::errc::no_such_file_or_directory
             ? Status()
             : Failure{"cannot remove it: " + error.message(), entry.path.string(),
                       "is the folder yours?"};
}

size_t removeAbandoned(const fs::path &cache) {
  fs::path kernels = cache / plan::cubinFolderName;
  size_t count = checkpoint::AsideFolder::removeAbandoned(cache) +
                 checkpoint::AsideFolder::removeAbandoned(kernels) +
                 runtime::removeAbandonedCubins(kernels);
  for (const fs::path &model : modelsIn(cache)) {
    count += runtime::removeAbandonedPacked(model);
  }
  return count;
}

} // namespace dsv3::cli
