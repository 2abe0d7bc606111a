//===- JitTest.cpp - kernels compiled for GPUs, and kept ------------------===//
//
// Tests that compile need NVRTC, but no GPU; they fail where it is not installed
// (tools/setup/nvrtc.sh installs it).
//
//===----------------------------------------------------------------------===//
#include "TemporaryDirectory.h"
#include "dsv3/Plan/Families.h"
#include "runtime/base/DynamicLibrary.h"
#include "runtime/jit/CubinCache.h"
#include "runtime/jit/KernelCompiler.h"
#include "runtime/jit/Nvrtc.h"
#include "runtime/kernels/DeviceHeaders.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::TemporaryDirectory;

/// A kernel that includes every family.
static plan::KernelText allFamilies() {
  std::string text;
  for (const DeviceHeader &header : deviceHeaders()) {
    if (std::string_view(header.name).find("/family/") != std::string_view::npos) {
      text += "#include \"" + std::string(header.name) + "\"\n";
    }
  }
  return {"test.kernel", text + "extern \"C\" __global__ void test_kernel(float *x) { *x = 1; }\n"};
}

TEST(DynamicLibrary, SaysWhatWasLookedForAndWhere) {
  Expected<DynamicLibrary> library = DynamicLibrary::open(
      {"a library of nobody", {"libnobody.so.1", "libnobody.so"}, {"/nowhere"}, "write it"});
  ASSERT_FALSE(library);
  EXPECT_EQ(library.failure().what,
            "expected a library of nobody, found none that can be opened: looked for "
            "libnobody.so.1, libnobody.so in /nowhere and where the system's loader looks");
  EXPECT_EQ(library.failure().hint, "write it");
}

TEST(DynamicLibrary, SaysWhyAFileThatIsThereCannotBeOpened) {
  TemporaryDirectory folder;
  std::ofstream(folder.path() / "libbroken.so") << "no library";
  Expected<DynamicLibrary> library =
      DynamicLibrary::open({"a library", {"libbroken.so"}, {folder.path()}, ""});
  ASSERT_FALSE(library);
  EXPECT_NE(library.failure().what.find("libbroken.so: "), std::string::npos)
      << library.failure().what;
}

TEST(CubinCache, KeysDifferWithTextArchitectureAndCompiler) {
  CubinKey key = CubinKey::of("text", "sm_80", "13.0");
  EXPECT_NE(key.content(), CubinKey::of("text2", "sm_80", "13.0").content());
  EXPECT_NE(key.content(), CubinKey::of("text", "sm_90a", "13.0").content());
  EXPECT_EQ(key.content(), CubinKey::of("text", "sm_80", "12.8").content());
  EXPECT_EQ(key.fileName(), key.content() + ".nvrtc-13.0.cubin");
}

TEST(CubinCache, ReadsWhatItWroteAndNothingDamaged) {
  TemporaryDirectory folder;
  CubinKey key = CubinKey::of("text", "sm_80", "13.0");
  KernelCode cubin{std::string("code\n\0code", 10), "a word\nof the compiler\n"};
  EXPECT_FALSE(readCubin(folder.path() / "cubins", key));
  ASSERT_TRUE(writeCubin(folder.path() / "cubins", key, cubin));
  EXPECT_EQ(readCubin(folder.path() / "cubins", key), cubin);
  EXPECT_EQ(readAnyCubin(folder.path() / "cubins", key.content()), cubin);
  EXPECT_FALSE(readAnyCubin(folder.path() / "cubins", "0123"));
  // One file, and nothing aside.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path() / "cubins"), {}), 1);

  std::string bytes = serialiseCubin(key, cubin);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] ^= 1;
    EXPECT_FALSE(parseCubin(damaged, key.fileName())) << i;
    EXPECT_FALSE(parseCubin(bytes.substr(0, i), key.fileName())) << i;
  }
}

TEST(CubinCache, OfSeveralCompilersTheBundlesNewestIsTaken) {
  TemporaryDirectory folder;
  ASSERT_TRUE(writeCubin(folder.path(), CubinKey::of("text", "sm_80", "12.8"), {"old", ""}));
  ASSERT_TRUE(writeCubin(folder.path(), CubinKey::of("text", "sm_80", "13.0"), {"new", ""}));
  EXPECT_EQ(readAnyCubin(folder.path(), CubinKey::of("text", "sm_80", "").content())->code, "new");
}

TEST(KernelCompiler, ABundleThatHasAllNeedsNoCompiler) {
  TemporaryDirectory folder;
  plan::KernelText kernel{"k", "no C++ at all\n"};
  ASSERT_TRUE(writeCubin(folder.path(), CubinKey::of(kernel.text, "sm_80", "13.0"), {"code", ""}));
  KernelCompilerOptions options;
  options.architecture = "sm_80";
  options.bundled = folder.path();
  Expected<CompiledKernels> compiled = compileKernels(std::span(&kernel, 1), options);
  ASSERT_TRUE(compiled) << compiled.failure().message();
  EXPECT_EQ(compiled->cubins[0].code, "code");
  EXPECT_EQ(compiled->bundled, 1U);
}

namespace {
/// Tests that compile.
class Compiling : public testing::Test {
protected:
  void SetUp() override {
    Expected<std::shared_ptr<const Nvrtc>> found = Nvrtc::load();
    ASSERT_TRUE(found) << found.failure().message();
  }
};
} // namespace

TEST_F(Compiling, DeviceHeadersCompileForEveryArchitecture) {
  plan::KernelText kernel = allFamilies();
  for (const plan::GpuVariant &variant : plan::gpuVariants()) {
    KernelCompilerOptions options;
    options.architecture = variant.name;
    Expected<CompiledKernels> compiled = compileKernels(std::span(&kernel, 1), options);
    ASSERT_TRUE(compiled) << compiled.failure().message();
    EXPECT_TRUE(compiled->cubins[0].code.starts_with("\x7f"
                                                     "ELF"));
  }
}

TEST_F(Compiling, WhatWasCompiledIsKept) {
  TemporaryDirectory folder;
  std::vector<plan::KernelText> kernels{allFamilies(), allFamilies()};
  kernels[1].text += "// another\n";
  std::vector<std::string> said;
  KernelCompilerOptions options;
  options.architecture = "sm_80";
  options.cache = folder.path() / "cubins";
  options.threads = 2;
  options.say = [&](const std::string &text) { said.push_back(text); };
  Expected<CompiledKernels> first = compileKernels(kernels, options);
  ASSERT_TRUE(first) << first.failure().message();
  EXPECT_EQ(first->compiled, 2U);
  EXPECT_GT(std::ranges::min(first->seconds), 0);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_TRUE(said[0].starts_with("compiling 2 kernels for sm_80 with NVRTC ")) << said[0];
  Expected<CompiledKernels> again = compileKernels(kernels, options);
  ASSERT_TRUE(again) << again.failure().message();
  EXPECT_EQ(again->cached, 2U);
  EXPECT_EQ(again->compiled, 0U);
  EXPECT_EQ(again->cubins, first->cubins);
  EXPECT_EQ(again->seconds, std::vector<double>({0, 0}));
  EXPECT_EQ(said.size(), 1U);
}

TEST_F(Compiling, AMistakeIsShownWithItsKernelAndLine) {
  plan::KernelText kernel{"bad.kernel", "extern \"C\" __global__ void f() { x = 1; }\n"};
  KernelCompilerOptions options;
  options.architecture = "sm_80";
  Expected<CompiledKernels> compiled = compileKernels(std::span(&kernel, 1), options);
  ASSERT_FALSE(compiled);
  EXPECT_EQ(compiled.failure().where, "bad.kernel.cu");
  EXPECT_NE(compiled.failure().what.find("bad.kernel.cu(1)"), std::string::npos)
      << compiled.failure().what;
}

TEST_F(Compiling, AnArchitectureThatNvrtcLacksIsNamed) {
  Expected<KernelCode> cubin = (*Nvrtc::load())->compile("", "k.cu", "sm_20");
  ASSERT_FALSE(cubin);
  EXPECT_NE(cubin.failure().what.find("makes no code for sm_20, only for sm_"), std::string::npos)
      << cubin.failure().what;
}
