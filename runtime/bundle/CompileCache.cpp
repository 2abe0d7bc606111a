//===- CompileCache.cpp - bundles that dsv3-run has compiled --------------===//
#include "runtime/bundle/CompileCache.h"

#include "dsv3/Checkpoint/AsideFolder.h"
#include "dsv3/Checkpoint/PublishFolder.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"
#include "runtime/base/KeyLock.h"
#include "runtime/base/Process.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <vector>

namespace dsv3::runtime {

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

static bool isFull(const std::filesystem::path &directory) {
  constexpr uintmax_t little = uintmax_t(1) << 20;
  std::error_code error;
  return std::filesystem::space(directory, error).available < little && !error;
}

Status checkKernels(const Bundle &bundle) {
  constexpr size_t mostBytes = size_t(1) << 30;
  for (size_t i = 0; i < bundle.plan().variants.size(); ++i) {
    Expected<std::string> bytes = readFile(bundle.objectPath(i), mostBytes);
    if (!bytes) {
      return bytes.status();
    }
    if (hash128(*bytes).hex() != bundle.plan().variants[i].checksum) {
      return Failure{"its kernels are damaged", bundle.objectPath(i).string()};
    }
  }
  return {};
}

/// The bundle in the cache, if it can be used, as it is then; `problem` becomes why it cannot.
static std::optional<Bundle> known(const CompileRequest &request,
                                   const std::filesystem::path &target, std::string &problem) {
  if (request.rebuild || !Bundle::isBundle(target)) {
    return std::nullopt;
  }
  Expected<Bundle> bundle = Bundle::open(target);
  Status sound = bundle ? checkKernels(*bundle) : bundle.status();
  if (!sound) {
    problem = sound.failure().what;
    return std::nullopt;
  }
  std::error_code ignored; // where it cannot be written
  std::filesystem::last_write_time(target, std::filesystem::file_time_type::clock::now(), ignored);
  return *std::move(bundle);
}

static Expected<Bundle> compile(const CompileRequest &request,
                                const std::filesystem::path &directory,
                                const std::filesystem::path &compiler, const CompileKey &key) {
  std::filesystem::path target = directory / key.name();
  if (Status admitted = request.admit(); !admitted) {
    return admitted;
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return cannotWrite(directory, error.message(), request);
  }
  KeyLock lock(directory, key.name(), request.cancel, [&] {
    request.say("waiting for another process that compiles " + request.input.string());
  });
  std::string said;
  if (std::optional<Bundle> others = known(request, target, said)) {
    return *std::move(others);
  }
  checkpoint::AsideFolder aside(directory);
  if (aside.error()) {
    return cannotWrite(directory, aside.error().message(), request);
  }
  request.say("compiling " + request.input.string() + " for " + request.variant + " into " +
              target.string() + whyCompiled(directory, key));
  std::filesystem::path made = aside.path() / "bundle";
  std::vector<std::string> arguments{request.inputFlag, request.input.string(), "-o",
                                     made.string()};
  bool gpu = plan::findGpuVariant(request.variant) != nullptr;
  for (const char *flag :
       gpu ? std::array{"--target=cuda", "--arch"} : std::array{"--target=cpu", "--variant"}) {
    arguments.emplace_back(flag);
  }
  arguments.push_back(request.variant);
  arguments.insert(arguments.end(), request.options.begin(), request.options.end());
  if (Status compiled = runProgram(compiler, arguments, request.cancel); !compiled) {
    return isFull(directory) ? cannotWrite(directory, "the disk is full", request)
                             : compiled.failure();
  }
  // Opened before anyone else can: what is published can be used.
  if (Expected<Bundle> bundle = Bundle::open(made); !bundle) {
    return bundle.failure();
  }
  std::ofstream keyFile(made / compileKeyFile, std::ios::binary);
  keyFile << key.text();
  keyFile.close();
  if (!keyFile) {
    return cannotWrite(made / compileKeyFile, "its key cannot be written", request);
  }
  if (std::error_code failed = checkpoint::publishFolder(made, target)) {
    return cannotWrite(target, failed.message(), request);
  }
  return Bundle::open(target);
}

Expected<Bundle> compiledBundle(const CompileRequest &request,
                                const std::filesystem::path &directory,
                                const std::filesystem::path &compiler) {
  CompileKey key = CompileKey::of(request, compiler);
  std::filesystem::path target = directory / key.name();
  std::error_code error;
  std::filesystem::file_status there = std::filesystem::symlink_status(target, error);
  if (std::filesystem::exists(there) && !std::filesystem::is_directory(there)) {
    return Failure{"expected the folder of a compiled model or nothing, found something else",
                   target.string(), "remove it; a model is compiled into that place again"};
  }
  std::string problem;
  if (std::optional<Bundle> bundle = known(request, target, problem)) {
    return *std::move(bundle);
  }
  if (!problem.empty()) {
    request.say("the compiled model in the cache cannot be used: " + problem);
  }
  return compile(request, directory, compiler, key);
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
