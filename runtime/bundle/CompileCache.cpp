//===- CompileCache.cpp - bundles that dsv3-run has compiled --------------===//
#include "runtime/bundle/CompileCache.h"

#include "dsv3/Checkpoint/PublishFolder.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/Hash.h"
#include "runtime/base/Process.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace dsv3::runtime {

static constexpr const char *asidePrefix = ".aside-";

std::optional<std::filesystem::path> compileCacheDirectory() {
  for (auto [variable, below] : {std::pair("XDG_CACHE_HOME", ""), std::pair("HOME", ".cache")}) {
    const char *value = std::getenv(variable);
    if (value && value[0] == '/') {
      return std::filesystem::path(value) / below / "dsv3";
    }
  }
  return std::nullopt;
}

static Failure cannotWrite(const std::filesystem::path &where, const std::string &reason,
                           const CompileRequest &request) {
  return {"cannot write the cache of compiled models: " + reason, where.string(),
          "set XDG_CACHE_HOME to a folder that can be written, or run dsv3-compile " +
              request.inputFlag + " " + request.input.string() +
              " -o BUNDLE and give the bundle as --model"};
}

static std::string keyOf(const CompileRequest &request, const std::filesystem::path &compiler) {
  Hasher128 hasher;
  auto add = [&](std::string_view text) {
    hasher.update(uint64_t(text.size()));
    hasher.update(text);
  };
  add(request.inputFlag);
  add(request.identity);
  hasher.update(uint64_t(request.flags.size()));
  for (const std::string &flag : request.flags) {
    add(flag);
  }
  hasher.update(uint64_t(plan::planFormatVersion));
  add(plan::familyTableHash());
  std::error_code ignored;
  hasher.update(uint64_t(std::filesystem::file_size(compiler, ignored)));
  auto date = std::filesystem::last_write_time(compiler, ignored).time_since_epoch();
  hasher.update(uint64_t(date.count()));
  return hasher.finish().hex();
}

namespace {
/// A folder beside the bundles for one that is not finished; removed with all in it. Locked
/// as long as this process lives or the compiler that it started, which inherits the
/// descriptor.
class Aside {
public:
  explicit Aside(const std::filesystem::path &directory)
      : name((directory / (std::string(asidePrefix) + "XXXXXX")).string()) {
    error = mkdtemp(name.data()) ? 0 : errno;
    lock = error == 0 ? open(name.c_str(), O_RDONLY | O_DIRECTORY) : -1;
    if (lock >= 0) {
      flock(lock, LOCK_EX | LOCK_NB);
    }
  }
  ~Aside() {
    std::error_code ignored;
    if (error == 0) {
      std::filesystem::remove_all(name, ignored);
    }
    if (lock >= 0) {
      close(lock);
    }
  }
  Aside(const Aside &) = delete;
  Aside &operator=(const Aside &) = delete;

  std::string name;
  int error, lock;
};
} // namespace

/// Whether nobody holds the lock of a folder aside; false where that cannot be said.
static bool isAbandoned(const std::filesystem::path &folder) {
  int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool abandoned = descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0;
  if (descriptor >= 0) {
    close(descriptor);
  }
  return abandoned;
}

/// Removes what killed processes left behind: folders aside that nobody holds, except young
/// ones, which may not be locked yet; and where there are no locks, those of yesterday.
static void removeRemains(const std::filesystem::path &directory) {
  std::error_code error;
  auto now = std::filesystem::file_time_type::clock::now();
  auto young = now - std::chrono::minutes(1), old = now - std::chrono::hours(24);
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    auto written = at->last_write_time(ignored);
    if (!ignored && at->path().filename().string().starts_with(asidePrefix) &&
        (written < old || (written < young && isAbandoned(at->path())))) {
      std::filesystem::remove_all(at->path(), ignored);
    }
  }
}

static bool isFull(const std::filesystem::path &directory) {
  constexpr uintmax_t little = uintmax_t(1) << 20;
  std::error_code error;
  return std::filesystem::space(directory, error).available < little && !error;
}

static Expected<Bundle> compile(const CompileRequest &request,
                                const std::filesystem::path &directory,
                                const std::filesystem::path &compiler,
                                const std::filesystem::path &target) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return cannotWrite(directory, error.message(), request);
  }
  removeRemains(directory);
  Aside aside(directory);
  if (aside.error != 0) {
    return cannotWrite(directory, std::strerror(aside.error), request);
  }
  request.say("compiling " + request.input.string() + " into " + target.string());
  std::filesystem::path made = std::filesystem::path(aside.name) / "bundle";
  std::vector<std::string> arguments{request.inputFlag, request.input.string(), "-o",
                                     made.string()};
  arguments.insert(arguments.end(), request.flags.begin(), request.flags.end());
  if (Status compiled = runProgram(compiler, arguments, request.cancel); !compiled) {
    return isFull(directory) ? cannotWrite(directory, "the disk is full", request)
                             : compiled.failure();
  }
  // Opened before anyone else can: what is published can be used.
  if (Expected<Bundle> bundle = Bundle::open(made); !bundle) {
    return bundle.failure();
  }
  if (std::error_code failed = checkpoint::publishFolder(made, target)) {
    return cannotWrite(target, failed.message(), request);
  }
  return Bundle::open(target);
}

Expected<Bundle> compiledBundle(const CompileRequest &request,
                                const std::filesystem::path &directory,
                                const std::filesystem::path &compiler) {
  std::filesystem::path target = directory / keyOf(request, compiler);
  if (!request.rebuild && Bundle::isBundle(target)) {
    Expected<Bundle> bundle = Bundle::open(target);
    if (bundle) {
      return bundle;
    }
    request.say("the compiled model in the cache cannot be used: " + bundle.failure().what);
  }
  return compile(request, directory, compiler, target);
}

Expected<Bundle> compiledBundle(const CompileRequest &request) {
  std::optional<std::filesystem::path> directory = compileCacheDirectory();
  if (!directory) {
    return Failure{"expected XDG_CACHE_HOME or HOME to be set, to keep the compiled model there",
                   "",
                   "set XDG_CACHE_HOME, or run dsv3-compile " + request.inputFlag + " " +
                       request.input.string() + " -o BUNDLE and give the bundle as --model"};
  }
  std::optional<std::filesystem::path> compiler = findProgram("dsv3-compile");
  if (!compiler) {
    return Failure{"dsv3-compile is neither beside dsv3-run nor on PATH, and " +
                       request.input.string() + " is not compiled",
                   "", "install the compiler, or give a bundle that was made elsewhere"};
  }
  return compiledBundle(request, *directory, *compiler);
}

} // namespace dsv3::runtime
