//===- SimCompare.cpp - GPU kernels against the interpreter ---------------===//
//
// On the simulated GPU, or on the one of the number that DSV3_TEST_GPU says.
// Each argument is a buffer of its own, so that with checks an index that leaves a tensor
// is found, by however little.
//
//===----------------------------------------------------------------------===//
#include "../Runtime/TemporaryDirectory.h"
#include "KernelRun.h"

#include "dsv3/Support/Hash.h"
#include "dsv3/Target/Cuda.h"
#include "runtime/drivers/cuda/CudaDevice.h"
#include "runtime/drivers/sim/SimDevice.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <numeric>
#include <span>
#include <string_view>

using namespace mlir;

namespace dsv3::differential {
namespace {

/// Kernels of a module on a device.
class CompiledKernels {
public:
  CompiledKernels(ModuleOp module, const std::string &variant, uint64_t seed);
  /// Whether the device has code for the variant: a GPU that is here may be of another kind.
  bool runs(std::string_view variant) const {
    return device && device->preferredVariant(std::span(&variant, 1));
  }
  void run(kern::DefOp definition, const KernelCall &call);

private:
  Expected<std::unique_ptr<runtime::Object>> load(const std::vector<std::string> &symbols) {
    return device->loadObject(file, symbols);
  }

  test::TemporaryDirectory folder;
  std::unique_ptr<runtime::Device> device;
  runtime::ObjectFile file;
};

} // namespace

static std::unique_ptr<runtime::Device> makeDevice(bool checked, uint64_t seed,
                                                   const std::string &cache) {
  if (const char *number = std::getenv("DSV3_TEST_GPU")) {
    runtime::KernelCompilerOptions compiling;
    compiling.cache = cache;
    Expected<std::unique_ptr<runtime::Device>> made =
        runtime::createCudaDevice(std::atoi(number), compiling);
    EXPECT_TRUE(made.ok()) << made.failure().message();
    return made.ok() ? *std::move(made) : nullptr;
  }
  runtime::SimOptions options;
  options.check = checked;
  options.seed = seed;
  options.compiling.cache = cache;
  Expected<std::unique_ptr<runtime::Device>> made = runtime::createSimDevice(options);
  EXPECT_TRUE(made.ok()) << made.failure().message();
  return *std::move(made);
}

CompiledKernels::CompiledKernels(ModuleOp module, const std::string &variant, uint64_t seed)
    : device(makeDevice(true, seed, folder.path() / "cache")) {
  FailureOr<std::vector<plan::KernelText>> texts =
      cuda::printKernels(module, *plan::findGpuVariant(variant));
  EXPECT_TRUE(succeeded(texts));
  std::string joined = plan::joinKernelTexts(variant, *texts);
  file = {folder.path() / (variant + ".cu"), hash128(joined).hex()};
  std::ofstream(file.path, std::ios::binary) << joined;
  std::vector<std::string> symbols;
  for (const plan::KernelText &text : *texts) {
    symbols.push_back(text.symbol);
  }
  if (!runs(variant)) {
    return;
  }
  // Compiles them all, several at a time; what is loaded later was kept.
  Expected<std::unique_ptr<runtime::Object>> all = load(symbols);
  if (!all.ok() && all.failure().where.starts_with("--sim-check")) {
    device = makeDevice(false, seed, folder.path() / "cache");
    all = load(symbols);
  }
  EXPECT_TRUE(all.ok()) << all.failure().message();
}

void CompiledKernels::run(kern::DefOp definition, const KernelCall &call) {
  Expected<std::unique_ptr<runtime::Object>> object = load({definition.getSymName().str()});
  ASSERT_TRUE(object.ok()) << object.failure().message();
  runtime::Program program;
  program.name = "differential";
  program.sizeCount = static_cast<int32_t>(call.sizes.size());
  std::vector<int32_t> sizes(call.sizes.size());
  std::iota(sizes.begin(), sizes.end(), 0);
  program.kernels = {{definition.getSymName().str(), sizes, call.tiles, call.scratchBytes}};
  program.commands = {{}};
  std::vector<std::unique_ptr<runtime::Buffer>> buffers;
  for (std::span<std::byte> bytes : call.arguments) {
    auto buffer = device->allocate(static_cast<int64_t>(bytes.size()),
                                   "argument " + std::to_string(buffers.size()));
    ASSERT_TRUE(buffer.ok());
    ASSERT_TRUE(device->upload(**buffer, 0, bytes));
    program.args.push_back((*buffer)->address());
    buffers.push_back(std::move(*buffer));
  }
  for (size_t i = definition.getDestinations().size(); i > 0; --i) {
    device->forget(*buffers[buffers.size() - i]);
  }
  Expected<std::unique_ptr<runtime::Executable>> ready = device->prepare(program, **object);
  ASSERT_TRUE(ready.ok()) << ready.failure().message();
  Status ran = device->run(**ready, call.sizes, nullptr);
  EXPECT_TRUE(ran.ok()) << ran.failure().message();
  for (size_t i = 0; i < buffers.size(); ++i) {
    ASSERT_TRUE(device->download(call.arguments[i], *buffers[i], 0));
  }
}

void compareKernelsOnSim(ModuleOp module, const std::string &variant, int64_t mostTokens,
                         uint64_t seed) {
  CompiledKernels kernels(module, variant, seed);
  if (!kernels.runs(variant)) {
    GTEST_SKIP() << "the GPU has no code for " << variant;
  }
  SmallVector<kern::DefOp> definitions(module.getOps<kern::DefOp>());
  for (kern::DefOp definition : definitions) {
    int64_t most = mostTokensOf(definition);
    // Of a prompt's step as many as may be; else one, and some.
    bool ofPrompt = most >= mostTokens;
    for (int64_t tokens :
         ofPrompt ? std::vector<int64_t>{mostTokens} : std::vector<int64_t>{1, 13}) {
      if (tokens > most) {
        continue;
      }
      KernelInputs inputs = makeInputs(definition, tokens);
      KernelResults expected = interpret(definition, inputs);
      KernelResults found =
          Execution(definition, variant, inputs).run(inputs, [&](const KernelCall &call) {
            kernels.run(definition, call);
          });
      ASSERT_NO_FATAL_FAILURE(
          compare(definition.getSymName().str() + " on sim, " + std::to_string(tokens) + " tokens",
                  definition, variant, expected, found));
    }
  }
}

} // namespace dsv3::differential
