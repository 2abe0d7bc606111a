//===- CacheCommand.cpp - looks after what is compiled and kept -----------===//
#include "dsv3/Support/BytesText.h"
#include "runtime/bundle/CompileCache.h"
#include "runtime/cli/CacheEntries.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/Streams.h"

#include <fmt/format.h>

#include <limits>
#include <map>
#include <memory>

namespace dsv3::cli {
namespace {
struct CacheFlags {
  std::optional<double> days, gib;
  bool remove = false;
  std::vector<std::string> bundles;
};
} // namespace

static Expected<std::filesystem::path> cacheFolder() {
  std::optional<std::filesystem::path> cache = runtime::compileCacheDirectory();
  return cache ? Expected<std::filesystem::path>(*cache)
               : Failure{"expected XDG_CACHE_HOME or HOME to be set, the cache lies there", "",
                         "set XDG_CACHE_HOME"};
}

/// "3 days", "5 hours": since it was used.
static std::string ageText(std::filesystem::file_time_type used) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(
                     std::filesystem::file_time_type::clock::now() - used)
                     .count();
  for (auto [unit, length] :
       {std::pair("days", int64_t(86400)), std::pair("hours", int64_t(3600))}) {
    if (seconds >= 2 * length) {
      return fmt::format("{} {}", seconds / length, unit);
    }
  }
  return fmt::format("{} minutes", std::max<int64_t>(seconds, 0) / 60);
}

static std::string row(uint64_t bytes, std::filesystem::file_time_type used,
                       const std::string &what, const std::string &path) {
  return fmt::format("{:>10}  {:>10}  {}  {}\n", bytesText(bytes), ageText(used), path, what);
}

/// A line for each model, and one for all kernels of a kind.
static Status list(const std::filesystem::path &cache) {
  struct Kernels {
    size_t count = 0;
    uint64_t bytes = 0;
    std::filesystem::file_time_type used; ///< last
  };
  std::map<std::string, Kernels> kernels;
  std::string text = fmt::format("{}\n{:>10}  {:>10}\n", cache.string(), "size", "unused for");
  uint64_t bytes = 0;
  for (const CacheEntry &entry : cacheEntries(cache)) {
    bytes += entry.bytes;
    std::string what = entry.what + (entry.problem.empty() ? "" : ": " + entry.problem);
    if (entry.model || !entry.problem.empty()) {
      text += row(entry.bytes, entry.used, what, entry.path.filename().string());
      continue;
    }
    Kernels &kind = kernels[entry.what];
    kind = {kind.count + 1, kind.bytes + entry.bytes, entry.used}; // the entries are in this order
  }
  for (const auto &[what, kind] : kernels) {
    text += row(kind.bytes, kind.used, what, fmt::format("{} times", kind.count));
  }
  return writeOutput(text + fmt::format("{:>10}  in all\n", bytesText(bytes)));
}

/// Removes entries, and what was left half written, and says what is gone.
static Status removeAll(const std::filesystem::path &cache,
                        const std::vector<CacheEntry> &entries) {
  uint64_t bytes = 0;
  for (const CacheEntry &entry : entries) {
    if (Status removed = removeEntry(cache, entry); !removed) {
      return removed;
    }
    bytes += entry.bytes;
  }
  size_t abandoned = removeAbandoned(cache);
  return writeOutput(fmt::format("removed {} compiled models and kernels, {}; {} left half "
                                 "written by others that were ended\n",
                                 entries.size(), bytesText(bytes), abandoned));
}

static Status prune(const std::filesystem::path &cache, const CacheFlags &flags) {
  CacheLimits limits;
  constexpr double secondsOfDay = 86400, bytesOfGib = double(1 << 30);
  if (flags.days) {
    limits.age = std::chrono::seconds(int64_t(*flags.days * secondsOfDay));
  }
  if (flags.gib) {
    limits.bytes = uint64_t(*flags.gib * bytesOfGib);
  }
  return removeAll(cache, beyondLimits(cacheEntries(cache), limits,
                                       std::filesystem::file_time_type::clock::now()));
}

/// Prints which entries cannot be used, and how many can; those that cannot.
static Expected<std::vector<CacheEntry>> findDamaged(const std::vector<CacheEntry> &entries) {
  std::vector<CacheEntry> damaged;
  std::string text;
  for (const CacheEntry &entry : entries) {
    if (!entry.problem.empty()) {
      text += fmt::format("{}: {}\n", entry.path.string(), entry.problem);
      damaged.push_back(entry);
    }
  }
  text += fmt::format("{} of {} can be used\n", entries.size() - damaged.size(), entries.size());
  if (Status written = writeOutput(text); !written) {
    return written;
  }
  return damaged;
}

/// Of so many entries in `where`, which may be several places.
static Status damagedFailure(size_t count, const std::string &where, const char *hint) {
  return count == 0 ? Status()
                    : Failure{"found " + std::to_string(count) +
                                  " that are damaged or of another version of dsv3",
                              where, hint};
}

static Status verify(const std::filesystem::path &cache, const CacheFlags &flags) {
  Expected<std::vector<CacheEntry>> damaged = findDamaged(cacheEntries(cache));
  if (!damaged) {
    return damaged.failure();
  }
  if (flags.remove) {
    return removeAll(cache, *damaged);
  }
  return damagedFailure(damaged->size(), cache.string(),
                        "dsv3-run cache verify --remove removes them; "
                        "they are compiled again when they are needed");
}

static Status verifyBundles(const std::vector<std::string> &bundles) {
  for (const std::string &bundle : bundles) {
    if (std::error_code error; !std::filesystem::exists(bundle, error)) {
      return Failure{"there is no such folder", bundle, "name a bundle that dsv3-compile made"};
    }
  }
  std::vector<CacheEntry> entries;
  for (const std::string &bundle : bundles) {
    std::vector<CacheEntry> more = bundleEntries(bundle);
    entries.insert(entries.end(), more.begin(), more.end());
  }
  Expected<std::vector<CacheEntry>> damaged = findDamaged(entries);
  if (!damaged) {
    return damaged.failure();
  }
  return damagedFailure(damaged->size(), bundles.size() == 1 ? bundles.front() : "",
                        "make the bundle again with dsv3-compile");
}

void addCache(CLI::App &app, Command &chosen) {
  auto flags = std::make_shared<CacheFlags>();
  CLI::App *command = app.add_subcommand(
      "cache", "Looks after the models and kernels of GPUs that dsv3-run has compiled and kept\n"
               "($XDG_CACHE_HOME/dsv3 or ~/.cache/dsv3). Others may compile meanwhile.\n\n"
               "example: dsv3-run cache prune --older-than 30");
  command->require_subcommand(1);
  auto add = [&](const char *name, const char *about, auto action) {
    CLI::App *part = command->add_subcommand(name, about);
    part->callback([flags, action, &chosen] {
      chosen = [flags, action]() -> Status {
        Expected<std::filesystem::path> cache = cacheFolder();
        return cache ? action(*cache, *flags) : cache.status();
      };
    });
    return part;
  };
  add("list", "Prints what is kept: size, how long it was not used, what it is.",
      [](const std::filesystem::path &cache, const CacheFlags &) { return list(cache); });
  CLI::App *pruning =
      add("prune",
          "Removes what was not used for long, or the least recently used until the rest\n"
          "is small enough; and what killed processes left half written.",
          prune);
  auto *limits = pruning->add_option_group("limits");
  limits->add_option("--older-than", flags->days, "days without use")
      ->check(finiteRange(0, 36500))
      ->type_name("DAYS");
  limits->add_option("--max-size", flags->gib, "GiB that may stay")
      ->check(finiteRange(0, 1 << 30))
      ->type_name("GIB");
  limits->require_option(1, 2);
  CLI::App *verifying =
      add("verify",
          "Reads all and checks it, or bundles in its place; packed weights are checked by\n"
          "--verify-packed of the model. Fails if something cannot be used.",
          verify);
  verifying->callback([flags, &chosen] {
    chosen = [flags]() -> Status {
      if (!flags->bundles.empty()) {
        return verifyBundles(flags->bundles);
      }
      Expected<std::filesystem::path> cache = cacheFolder();
      return cache ? verify(*cache, *flags) : cache.status();
    };
  });
  CLI::Option *bundles =
      verifying->add_option("bundle", flags->bundles, "bundles, with kernels compiled into them");
  verifying->add_flag("--remove", flags->remove, "remove from the cache what cannot be used")
      ->excludes(bundles);
}

} // namespace dsv3::cli
