//===- SimCompilerTest.cpp - who compiles for the simulated GPU -----------===//
//
// What happens without a compiler, with one that fails, and at a second start.
//
//===----------------------------------------------------------------------===//
#include "SimRun.h"
#include "runtime/base/KeyLock.h"

#include <cstdlib>
#include <filesystem>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::inOrder;
using dsv3::test::SimRun;

namespace {
/// The variable that names the compiler, for a while.
struct WithCompiler {
  explicit WithCompiler(const std::string &name) { setenv("DSV3_SIM_CXX", name.c_str(), 1); }
  ~WithCompiler() { unsetenv("DSV3_SIM_CXX"); }
};
} // namespace

TEST(SimCompiler, NoneIsASentence) {
  WithCompiler variable("no-such-compiler");
  SimRun sim(inOrder());
  Status status = sim.load("int *out", 32, "out[0] = 123;\n");
  ASSERT_FALSE(status);
  EXPECT_EQ(
      status.failure().message(),
      "--device=sim: expected a C++ compiler for the kernels of the simulated GPU, found none: "
      "looked for no-such-compiler on PATH\n  hint: install g++, or name a compiler by the "
      "environment variable DSV3_SIM_CXX");
}

TEST(SimCompiler, OneThatFailsLeavesNothing) {
  test::TemporaryDirectory folder;
  std::string compiler = (folder.path() / "broken++").string();
  std::ofstream(compiler) << "#!/bin/sh\n[ \"$1\" = --version ] && echo broken 1 && exit 0\n"
                             "echo 'no space in the attic'; kill -9 $$\n";
  std::filesystem::permissions(compiler, std::filesystem::perms::owner_all);
  WithCompiler variable(compiler);
  SimOptions options = inOrder();
  options.compiling.cache = folder.path() / "cache";
  auto device = createSimDevice(options);
  ASSERT_TRUE(device);
  std::string file = plan::joinKernelTexts(
      "sm_80", {{"k", "extern \"C\" __global__ void __launch_bounds__(32) k(unsigned *x) {}\n"}});
  std::string path = (folder.path() / "sm_80.cu").string();
  std::ofstream(path, std::ios::binary) << file;
  auto object = (*device)->loadObject({path, hash128(file).hex()}, std::vector<std::string>{"k"});
  ASSERT_FALSE(object);
  EXPECT_NE(object.failure().what.find("no space in the attic"), std::string::npos)
      << object.failure().what;
  EXPECT_EQ(object.failure().where, "k.cu");
  for (const auto &left : std::filesystem::directory_iterator(folder.path() / "cache")) {
    EXPECT_EQ(left.path().filename(), KeyLock::fileName);
  }
}

TEST(SimCompiler, CodeIsKept) {
  std::vector<std::string> said;
  test::TemporaryDirectory folder;
  for (int i = 0; i < 2; ++i) {
    SimOptions options = inOrder();
    options.compiling.cache = folder.path();
    options.compiling.say = [&](const std::string &text) { said.push_back(text); };
    auto device = createSimDevice(options);
    ASSERT_TRUE(device);
    std::string file = plan::joinKernelTexts(
        "sm_80",
        {{"a.b", "#include \"runtime/kernels/cuda/ptx/types.cuh\"\n"
                 "extern \"C\" __global__ void __launch_bounds__(32) a_b(unsigned *x) {}\n"}});
    std::string path = (folder.path() / "sm_80.cu").string();
    std::ofstream(path, std::ios::binary) << file;
    auto object =
        (*device)->loadObject({path, hash128(file).hex()}, std::vector<std::string>{"a.b"});
    ASSERT_TRUE(object) << object.failure().message();
  }
  ASSERT_EQ(said.size(), 1U);
  EXPECT_TRUE(said[0].starts_with("compiling 1 kernels for the simulated GPU, with ")) << said[0];
}
