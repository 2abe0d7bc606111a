//===- Compare.cpp - compiled kernels against the interpreter -------------===//
#include "KernelRun.h"

#include "dsv3/Target/Cpu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <unistd.h>

using namespace mlir;

namespace dsv3::differential {

static bool runsHere(const plan::CpuVariant &variant) {
  __builtin_cpu_init();
  return variant.name == "x86-64-v4" ? __builtin_cpu_supports("x86-64-v4")
                                     : __builtin_cpu_supports("x86-64-v3");
}

namespace {

/// The code of all kernels of a module, loaded. The file stays until it is unloaded: the
/// loader takes files of equal inode for the same.
class Loaded {
public:
  Loaded(ModuleOp module, const plan::CpuVariant &variant)
      : path(testing::TempDir() + "/differential." + std::to_string(getpid()) + ".so") {
    OwningOpRef<ModuleOp> code = cpu::emitKernels(module, variant);
    EXPECT_TRUE(code);
    Expected<std::string> object = cpu::compileObject(std::move(code), variant);
    EXPECT_TRUE(object.ok()) << object.failure().message();
    Status linked = cpu::linkSharedObject(*object, path);
    EXPECT_TRUE(linked.ok()) << linked.failure().message();
    handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(handle, nullptr) << dlerror();
  }
  ~Loaded() {
    dlclose(handle);
    std::filesystem::remove(path);
  }
  Loaded(const Loaded &) = delete;
  Loaded &operator=(const Loaded &) = delete;

  plan::KernelFunction find(const std::string &symbol) const {
    return reinterpret_cast<plan::KernelFunction>(dlsym(handle, symbol.c_str()));
  }

private:
  std::string path;
  void *handle = nullptr;
};

} // namespace

static void compare(const std::string &what, const KernelResults &expected,
                    const KernelResults &found) {
  ASSERT_EQ(expected.size(), found.size()) << what;
  for (size_t r = 0; r < expected.size(); ++r) {
    // Sums in f32 against sums in f64, relative to the largest of the result.
    double largest = 1e-3;
    for (double value : expected[r]) {
      largest = std::isfinite(value) ? std::max(largest, std::fabs(value)) : largest;
    }
    ASSERT_EQ(expected[r].size(), found[r].size()) << what << ", result " << r;
    for (size_t i = 0; i < expected[r].size(); ++i) {
      double wanted = expected[r][i], seen = found[r][i];
      bool alike =
          std::isfinite(wanted) ? std::fabs(wanted - seen) <= 2e-5 * largest : !std::isfinite(seen);
      ASSERT_TRUE(alike) << what << ", result " << r << ", element " << i << " of "
                         << expected[r].size() << ": expected " << wanted << ", found " << seen;
    }
  }
}

static bool sameBits(const KernelResults &a, const KernelResults &b) {
  return llvm::equal(a, b, [](const std::vector<double> &one, const std::vector<double> &other) {
    return one.size() == other.size() &&
           std::memcmp(one.data(), other.data(), one.size() * sizeof(double)) == 0;
  });
}

/// Whether the kernel is of an entry for one token.
static bool decodes(kern::DefOp definition) { return definition.getSymName().contains("decode"); }

/// Numbers of tokens to try. More than a block of rows has, where the entry admits it.
static std::vector<int64_t> tokenCounts(kern::DefOp definition, int64_t most) {
  if (decodes(definition)) {
    return {1};
  }
  std::vector<int64_t> counts{1, 7, 13};
  if (definition.getSymName().contains("prefill") && most > counts.back()) {
    counts.push_back(most);
  }
  return counts;
}

void forEachKernel(
    ModuleOp module,
    llvm::function_ref<void(kern::DefOp, const plan::CpuVariant &, plan::KernelFunction)> body) {
  for (const plan::CpuVariant &variant : plan::cpuVariants()) {
    if (!runsHere(variant)) {
      continue;
    }
    Loaded code(module, variant);
    SmallVector<kern::DefOp> definitions(module.getOps<kern::DefOp>());
    for (kern::DefOp definition : definitions) {
      std::string symbol = definition.getSymName().str();
      plan::KernelFunction function = code.find(symbol);
      ASSERT_NE(function, nullptr) << symbol;
      ASSERT_NO_FATAL_FAILURE(body(definition, variant, function));
    }
  }
}

void compareKernels(ModuleOp module, std::mt19937_64 &random, int64_t mostTokens) {
  forEachKernel(module, [&](kern::DefOp definition, const plan::CpuVariant &variant,
                            plan::KernelFunction function) {
    for (int64_t tokens : tokenCounts(definition, mostTokens)) {
      KernelInputs inputs = makeInputs(definition, tokens, random);
      KernelResults expected = interpret(definition, inputs);
      std::string what = std::string(variant.name) + " " + definition.getSymName().str() + ", " +
                         std::to_string(tokens) + " tokens";
      KernelResults found = execute(definition, variant, function, inputs, 0);
      ASSERT_NO_FATAL_FAILURE(compare(what, expected, found));
      KernelResults again = execute(definition, variant, function, inputs, 1);
      EXPECT_TRUE(sameBits(found, again)) << what << ": the order of tiles changes the result";
    }
  });
}

} // namespace dsv3::differential
