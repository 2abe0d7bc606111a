//===- SimRun.h - a kernel of a test on the simulated GPU -------*- C++ -*-===//
#pragma once

#include "TemporaryDirectory.h"
#include "dsv3/Plan/GpuKernel.h"
#include "dsv3/Support/Hash.h"
#include "runtime/drivers/sim/SimDevice.h"

#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace dsv3::test {

/// One thread of the host, and who runs when by a seed.
inline runtime::SimOptions inOrder(uint64_t seed = 0) {
  runtime::SimOptions options;
  options.threads = 1;
  options.seed = seed;
  return options;
}

/// How a kernel is launched; it gets the addresses of `buffers`, `times` times one after the other.
struct SimLaunch {
  int64_t blocks = 1, sharedBytes = 0;
  int times = 1;
};

/// A simulated device with kernels that are written in a test. Compiled code is kept for all
/// tests of the process.
class SimRun {
public:
  explicit SimRun(runtime::SimOptions options) {
    static const TemporaryDirectory cache;
    options.compiling.cache = cache.path();
    auto made = runtime::createSimDevice(options);
    EXPECT_TRUE(made) << made.failure().message();
    device = *std::move(made);
  }

  /// `body` is that of a kernel test(PARAMETERS) with so many threads; with numbers for each
  /// DSV3_TENSOR_MAP it has tensor maps `map` and `map1`. Blocks run in clusters of `cluster`, and
  /// may be persistent; or in those of `parts` along y.
  Status load(const std::string &parameters, int threads, const std::string &body,
              const std::vector<std::string> &tensorMaps = {}, int cluster = 1,
              bool persistent = false, int parts = 1) {
    std::string text;
    for (const std::string &header : headers) {
      text += "#include \"runtime/kernels/cuda/" + header + ".cuh\"\n";
    }
    text += "using namespace dsv3::gpu;\n";
    text += persistent ? "DSV3_PERSISTENT\n" : "";
    if (cluster * parts > 1) {
      text += "DSV3_CLUSTERS(" + std::to_string(cluster) + ", 0, " + std::to_string(parts) +
              ", 1024)\n";
    }
    std::string maps;
    for (size_t i = 0; i < tensorMaps.size(); ++i) {
      text += "DSV3_TENSOR_MAP(" + tensorMaps[i] + ")\n";
      maps += ", const __grid_constant__ TensorMap map" + (i == 0 ? "" : std::to_string(i));
    }
    text += "extern \"C\" __global__ void ";
    text += "__launch_bounds__(" + std::to_string(threads) + ") test(" + parameters +
            ", uint64 *mark, uint32 number" + maps + ") {\n" + body + "}\n";
    std::string file = plan::joinKernelTexts("sm_80", {{"test", text}});
    std::string path = (folder.path() / "sm_80.cu").string();
    std::ofstream(path, std::ios::binary) << file;
    auto loaded = device->loadObject({path, hash128(file).hex()}, std::vector<std::string>{"test"});
    if (!loaded) {
      return loaded.status();
    }
    object = *std::move(loaded);
    return {};
  }

  /// `mapped`: in memory of the host that kernels reach.
  template <typename T>
  void add(const std::vector<T> &values, bool mapped = false) {
    auto bytes = std::as_bytes(std::span(values));
    auto buffer = mapped ? device->allocateMapped(int64_t(bytes.size()), "a test")
                         : device->allocate(int64_t(bytes.size()), "a test");
    ASSERT_TRUE(buffer);
    ASSERT_TRUE(device->upload(**buffer, 0, bytes));
    buffers.push_back(std::move(*buffer));
  }
  template <typename T>
  std::vector<T> values(size_t index) {
    std::vector<T> result(size_t(buffers[index]->bytes()) / sizeof(T));
    EXPECT_TRUE(device->download(std::as_writable_bytes(std::span(result)), *buffers[index], 0));
    return result;
  }

  Status launch(const SimLaunch &how) {
    auto prepared = prepare(how);
    return prepared ? device->run(**prepared, {}, nullptr) : prepared.status();
  }
  Status profile(const SimLaunch &how, runtime::LaunchProfile &times) {
    auto prepared = prepare(how);
    return prepared ? device->profile(**prepared, {}, times) : prepared.status();
  }

  /// That kernels include.
  std::vector<std::string> headers{"tile/failure", "tile/order", "tile/reduce", "tile/wgmma",
                                   "ptx/tensor_store"};
  std::unique_ptr<runtime::Device> device;
  std::vector<std::unique_ptr<runtime::Buffer>> buffers;
  std::unique_ptr<runtime::Object> object;

private:
  Expected<std::unique_ptr<runtime::Executable>> prepare(const SimLaunch &how) {
    runtime::Program program;
    program.name = "test";
    program.kernels = {{"test", {}, {-1, 1, 1, 1, how.blocks}, how.sharedBytes}};
    for (int i = 0; i < how.times; ++i) {
      program.commands.push_back(
          {runtime::Command::Kind::Launch, 0, 3, uint32_t(program.args.size())});
      for (const auto &buffer : buffers) {
        program.args.push_back(buffer->address());
      }
    }
    return device->prepare(program, *object);
  }

  TemporaryDirectory folder;
};

} // namespace dsv3::test

/// SimRun's load and launch, which end the test where they fail.
#define LOAD(SIM, PARAMETERS, THREADS, BODY)                                                       \
  {                                                                                                \
    Status loaded = (SIM).load(PARAMETERS, THREADS, BODY);                                         \
    ASSERT_TRUE(loaded) << loaded.failure().message();                                             \
  }
#define LAUNCH(SIM, ...)                                                                           \
  {                                                                                                \
    Status ran = (SIM).launch({__VA_ARGS__});                                                      \
    ASSERT_TRUE(ran) << ran.failure().message();                                                   \
  }
