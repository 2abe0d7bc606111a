//===- KernelCompiler.cpp - the code of a bundle's GPU kernels ------------===//

#include "runtime/jit/KernelCompiler.h"

#include "dsv3/Support/Cpus.h"
#include "runtime/jit/CubinCache.h"
#include "runtime/jit/Nvrtc.h"

#include <algorithm>
#include <atomic>
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
  Expected<std::string> compile(const plan::KernelText &kernel) const override {
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
      : kernels(kernels), maker(maker), options(options), found(kernels.size()) {}
  Expected<CompiledKernels> run();

private:
  size_t takeBundled();
  size_t takeCached();
  /// The code that is lacking, by its indices.
  Status compile(std::span<const size_t> lacking);
  void keep(std::span<const size_t> compiled);
  void say(const std::string &text) const {
    if (options.say) {
      options.say(text);
    }
  }

  std::span<const plan::KernelText> kernels;
  KernelMaker &maker;
  const KernelCompilerOptions &options;
  std::vector<std::optional<std::string>> found;
};

} // namespace

size_t Compilation::takeBundled() {
  size_t count = 0;
  for (size_t i = 0; i < kernels.size() && !options.bundled.empty(); ++i) {
    found[i] = readAnyCubin(options.bundled, maker.key(kernels[i].text).content);
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

Status Compilation::compile(std::span<const size_t> lacking) {
  std::vector<std::optional<Failure>> failures(lacking.size());
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < lacking.size(); i = next++) {
      Expected<std::string> cubin = maker.compile(kernels[lacking[i]]);
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
  for (std::optional<Failure> &failure : failures) {
    if (failure) {
      return *std::move(failure);
    }
  }
  return {};
}

void Compilation::keep(std::span<const size_t> compiled) {
  for (size_t index : compiled) {
    if (options.cache.empty()) {
      return;
    }
    if (Status written = writeCubin(options.cache, maker.key(kernels[index].text), *found[index]);
        !written) {
      say("note: " + written.failure().message());
      return; // the others would fail alike
    }
  }
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
    result.compiled = lacking.size();
    if (!lacking.empty()) {
      say("compiling " + std::to_string(lacking.size()) + " kernels " + maker.description());
    }
    if (Status compiled = compile(lacking); !compiled) {
      return compiled;
    }
    keep(lacking);
  }
  for (std::optional<std::string> &cubin : found) {
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
