//===- CompilerLogTest.cpp - what NVRTC says of a kernel that it made -----===//
//
// Kernels with planted mistakes for sm_90a, and their correct twins. Needs NVRTC, but no GPU.
//
//===----------------------------------------------------------------------===//
#include "TemporaryDirectory.h"
#include "runtime/jit/KernelCompiler.h"
#include "runtime/jit/KernelRules.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;
using dsv3::test::TemporaryDirectory;

using Faults = std::vector<std::string>;

/// Sums of products of a warp group, over which `between` comes while they are computed.
static plan::KernelText product(const std::string &between) {
  return {"k", "#include \"runtime/kernels/cuda/ptx/wgmma.cuh\"\n"
               "using namespace dsv3::gpu;\n"
               "extern \"C\" __global__ void __launch_bounds__(128, 1)\n"
               "    k(float *out, uint64 a, uint64 b) {\n"
               "  float sums[productSums] = {};\n"
               "  fenceProducts(sums);\n"
               "  for (int i = 0; i < 8; ++i) {\n"
               "    multiplyGroup(sums, a + i, b + i);\n"
               "    commitProducts();\n" +
                   between +
                   "  }\n"
                   "  waitForProducts<0>(sums);\n"
                   "  for (int i = 0; i < productSums; ++i) {\n"
                   "    out[threadIdx.x * productSums + i] = sums[i];\n"
                   "  }\n"
                   "}\n"};
}

/// A kernel that changes its registers, of which it has as many as `bounds` says.
static plan::KernelText registersChanged(const std::string &bounds) {
  return {"k", "#include \"runtime/kernels/cuda/ptx/wgmma.cuh\"\n"
               "using namespace dsv3::gpu;\n"
               "extern \"C\" __global__ void " +
                   bounds +
                   " k(float *out) {\n"
                   "  if (threadIdx.x < 128) {\n"
                   "    giveRegisters<40>();\n"
                   "  } else {\n"
                   "    takeRegisters<232>();\n"
                   "  }\n"
                   "  out[threadIdx.x] = 1;\n"
                   "}\n"};
}

/// What is wrong with a kernel, which is taken for a product.
static Faults faultsOf(const plan::KernelText &kernel, const std::filesystem::path &cache = {}) {
  KernelCompilerOptions options;
  options.architecture = "sm_90a";
  options.cache = cache;
  Expected<CompiledKernels> compiled = compileKernels(std::span(&kernel, 1), options);
  if (!compiled) {
    return {compiled.failure().message()};
  }
  Expected<CubinFacts> facts = readCubinFacts(compiled->cubins[0].code, "k");
  if (!facts) {
    return {facts.failure().message()};
  }
  return kernelFaults(kernel, {plan::Family::Gemm, 0}, *plan::findGpuVariant("sm_90a"), *facts,
                      compiled->cubins[0].log);
}

TEST(CompilerLog, OfASoundKernelNothingIsSaid) {
  EXPECT_EQ(faultsOf(product("")), Faults());
  EXPECT_EQ(faultsOf(registersChanged("__launch_bounds__(256, 1)")), Faults());
}

// Texts of dsv3-compile --line-info: what a compiler and a profiler tell is a line of the module.
TEST(CompilerLog, LinesOfTheModuleAreNamed) {
  auto text = [](const std::string &statement) {
    return plan::KernelText{"k", "extern \"C\" __global__ void k(float *out) {\n"
                                 "#line 889 \"configured.mlir\"\n"
                                 "  out[threadIdx.x] = " +
                                     statement + ";\n}\n"};
  };
  Faults faults = faultsOf(text("nobody"));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults[0].find("configured.mlir(889): error"), std::string::npos) << faults[0];

  KernelCompilerOptions options;
  options.architecture = "sm_90a";
  plan::KernelText kernel = text("1");
  Expected<CompiledKernels> compiled = compileKernels(std::span(&kernel, 1), options);
  ASSERT_TRUE(compiled) << compiled.failure().message();
  EXPECT_NE(compiled->cubins[0].code.find("configured.mlir"), std::string::npos);
  EXPECT_TRUE(readCubinFacts(compiled->cubins[0].code, "k")) << "with more sections";
}

TEST(CompilerLog, ProductsThatAreSerialisedAreAFault) {
  Faults faults = faultsOf(product("    sums[0] += out[i];\n"));
  ASSERT_FALSE(faults.empty());
  EXPECT_NE(faults.back().find("wgmma.mma_async instructions are serialized"), std::string::npos)
      << faults.back();
}

TEST(CompilerLog, WaitsThatAreInjectedAreAFaultOnce) {
  Faults faults = faultsOf(product("    for (float &sum : sums) {\n      sum *= 1.5f;\n    }\n"));
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_NE(faults[0].find("warpgroup.arrive is injected"), std::string::npos) << faults[0];
  EXPECT_NE(faults[1].find("warpgroup.wait is injected"), std::string::npos) << faults[1];
  EXPECT_NE(faults[1].find(" such sentences)"), std::string::npos) << faults[1];
}

TEST(CompilerLog, AnIgnoredChangeOfRegistersIsAFault) {
  Faults faults = faultsOf(registersChanged(""));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_NE(faults[0].find("'setmaxnreg' ignored"), std::string::npos) << faults[0];
}

TEST(CompilerLog, CodeFromTheCacheTellsTheSame) {
  TemporaryDirectory folder;
  plan::KernelText kernel = product("    sums[0] += out[i];\n");
  Faults fresh = faultsOf(kernel, folder.path()), cached = faultsOf(kernel, folder.path());
  EXPECT_FALSE(fresh.empty());
  EXPECT_EQ(cached, fresh);
}

TEST(CompilerLog, AWarningIsAFaultAndARemarkIsNot) {
  plan::KernelText kernel = product("    int unused;\n");
  EXPECT_EQ(faultsOf(kernel),
            Faults{"NVRTC says: k.cu(10): warning #177-D: variable \"unused\" was declared but "
                   "never referenced"});
}
