//===- KernelCompiler.cpp - the code of a bundle's GPU kernels ------------===//

#include "runtime/jit/KernelCompiler.h"

#include "dsv3/Support/Cpus.h"
#include "runtime/base/KeyLock.h"
#include "runtime/jit/CubinCache.h"
#include "runtime/jit/CubinFolder.h"
#include "runtime/jit/Nvrtc.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

using namespace dsv3;
using namespace dsv3::runtime;

namespace {

class NvrtcMaker final : public KernelMaker {
public:
  explicit NvrtcMaker(const std::string &architecture) : architecture(architecture) {}

  Status open() override {
    Expected<std::shared_ptr<const Nvrtc>> loaded = Nvrtc::load();
    if (!loaded) {
      return loaded.failure();
    }
    nvrtc = *std::move(loaded);
    return {};
  }
  CubinKey key(std::string_view text) const override {
    return CubinKey::of(text, architecture, nvrtc ? nvrtc->version() : "");
  }
  std::string description() const override {
    return "for " + architecture + " with NVRTC " + nvrtc->version();
  }
  Expected<KernelCode> compile(const plan::KernelText &kernel) const override {
    return nvrtc->compile(kernel.text, kernel.symbol + ".cu", architecture);
  }

private:
  const std::string &architecture;
  std::shared_ptr<const Nvrtc> nvrtc;
};

class Compilation {
public:
  Compilation(std::span<const plan::KernelText> kernels, KernelMaker &maker,
              const KernelCompilerOptions &options)
      : kernels(kernels), maker(maker), options(options), found(kernels.size()),
        seconds(kernels.size()) {}
  Expected<CompiledKernels> run();

private:
  size_t takeBundled();
  size_t takeCached();
  /// The code that is lacking, by its indices.
  Status compile(std::span<const size_t> lacking);
  Expected<KernelCode> compileOnce(size_t index);
  void announce(std::span<const size_t> lacking) const;
  bool cancelled() const { return options.cancel && options.cancel->load(); }
  void say(const std::string &text) const {
    if (options.say) {
      options.say(text);
    }
  }

  std::span<const plan::KernelText> kernels;
  KernelMaker &maker;
  const KernelCompilerOptions &options;
  std::vector<std::optional<KernelCode>> found;
  std::vector<double> seconds; ///< of those that were compiled
  std::atomic<size_t> compiled{0};
  std::mutex busy;                ///< guards the next
  std::optional<Failure> notKept; ///< why a kernel could not be written to the cache
};

} // namespace

size_t Compilation::takeBundled() {
  size_t count = 0;
  for (size_t i = 0; i < kernels.size() && !options.bundled.empty(); ++i) {
    found[i] = readAnyCubin(options.bundled, maker.key(kernels[i].text).content());
    count += found[i] ? 1 : 0;
  }
  return count;
}

size_t Compilation::takeCached() {
  size_t count = 0;
  for (size_t i = 0; i < kernels.size() && !options.cache.empty(); ++i) {
    if (!found[i]) {
      found[i] = readCubin(options.cache, maker.key(kernels[i].text));
      count += found[i] ? 1 : 0;
    }
  }
  return count;
}

/// Of processes that lack the same kernel the first compiles it, while it holds the key's lock.
Expected<KernelCode> Compilation::compileOnce(size_t index) {
  const plan::KernelText &kernel = kernels[index];
  CubinKey key = maker.key(kernel.text);
  KeyLock lock(options.cache, key.content(), options.cancel);
  if (cancelled()) {
    return Failure{"interrupted"};
  }
  std::optional<KernelCode> kept =
      options.cache.empty() ? std::nullopt : readCubin(options.cache, key);
  if (kept) {
    return *std::move(kept);
  }
  auto start = std::chrono::steady_clock::now();
  Expected<KernelCode> cubin = maker.compile(kernel);
  if (!cubin) {
    return cubin;
  }
  seconds[index] = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ++compiled;
  if (!options.cache.empty()) {
    if (Status written = writeCubin(options.cache, key, *cubin); !written) {
      std::lock_guard held(busy);
      notKept = notKept ? notKept : written.failure();
    }
  }
  return cubin;
}

Status Compilation::compile(std::span<const size_t> lacking) {
  std::vector<std::optional<Failure>> failures(lacking.size());
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < lacking.size(); i = next++) {
      Expected<KernelCode> cubin = compileOnce(lacking[i]);
      if (cubin) {
        found[lacking[i]] = *std::move(cubin);
      } else {
        failures[i] = cubin.failure();
      }
    }
  };
  auto threads = size_t(options.threads > 0 ? options.threads : usefulThreads());
  std::vector<std::jthread> team;
  try {
    for (size_t i = 1; i < std::min(threads, lacking.size()); ++i) {
      team.emplace_back(work);
    }
  } catch (const std::system_error &) { // NOLINT(bugprone-empty-catch)
    // The system gives no more threads: those that there are do the work.
  }
  work();
  team.clear(); // waits for all
  if (notKept) {
    say("note: " + notKept->message());
  }
  for (std::optional<Failure> &failure : failures) {
    if (failure) {
      return *std::move(failure);
    }
  }
  return {};
}

void Compilation::announce(std::span<const size_t> lacking) const {
  if (!options.say || lacking.empty()) {
    return;
  }
  std::vector<CubinKey> keys;
  for (size_t index : lacking) {
    keys.push_back(maker.key(kernels[index].text));
  }
  say("compiling " + std::to_string(lacking.size()) + " kernels " + maker.description() +
      whyLacking(options.cache, keys));
}

Expected<CompiledKernels> Compilation::run() {
  CompiledKernels result;
  result.bundled = takeBundled();
  if (result.bundled < kernels.size()) {
    if (Status opened = maker.open(); !opened) {
      return opened;
    }
    result.cached = takeCached();
    std::vector<size_t> lacking;
    for (size_t i = 0; i < kernels.size(); ++i) {
      if (!found[i]) {
        lacking.push_back(i);
      }
    }
    announce(lacking);
    if (Status made = compile(lacking); !made) {
      return made;
    }
    result.compiled = compiled;
    result.cached += lacking.size() - result.compiled;
  }
  result.seconds = std::move(seconds);
  for (std::optional<KernelCode> &cubin : found) {
    result.cubins.push_back(*std::move(cubin));
  }
  return result;
}

Expected<CompiledKernels> runtime::compileKernels(std::span<const plan::KernelText> kernels,
                                                  const KernelCompilerOptions &options) {
  NvrtcMaker maker(options.architecture);
  return compileKernels(kernels, maker, options);
}

Expected<CompiledKernels> runtime::compileKernels(std::span<const plan::KernelText> kernels,
                                                  KernelMaker &maker,
                                                  const KernelCompilerOptions &options) {
  return Compilation(kernels, maker, options).run();
}
