//===- GpuKernelTest.cpp - names and texts of GPU kernels -----------------===//
#include "dsv3/Plan/GpuKernel.h"

#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::plan;

TEST(GpuKernel, NamesOfFunctionsAreThoseOfKernelsAsCppAllowsThem) {
  EXPECT_EQ(gpuFunctionName("decode.lm_head_2"), "decode_lm_head_2");
  EXPECT_EQ(gpuFunctionName("2nd-norm"), "_nd_norm");
}

TEST(GpuKernel, AFileOfTextsIsSplitIntoWhatWasJoined) {
  std::vector<KernelText> kernels{
      {"decode.norm", "// a\nvoid f() {}\n"}, {"empty", ""}, {"x", "\n"}};
  std::string file = joinKernelTexts("sm_90a", kernels);
  Expected<std::vector<KernelText>> split = splitKernelTexts(file, "sm_90a.cu");
  ASSERT_TRUE(split) << split.failure().message();
  EXPECT_EQ(*split, kernels);
}

TEST(GpuKernel, AFileThatEndsWithinALineIsRefused) {
  std::string file = joinKernelTexts("sm_90a", {{"x", "// a\n"}});
  file.pop_back();
  Expected<std::vector<KernelText>> split = splitKernelTexts(file, "sm_90a.cu");
  ASSERT_FALSE(split);
  EXPECT_EQ(split.failure().where, "sm_90a.cu");
  EXPECT_TRUE(splitKernelTexts("", "empty")->empty());
}

TEST(GpuKernel, ATextNamesTheMatricesOfItsTensorMaps) {
  auto mapsOf = [](const std::string &line) {
    return mappedMatricesOf({"k", "// a\n" + line + "void\n"});
  };
  auto maps = mapsOf("DSV3_TENSOR_MAP(1, 4096, -1, 512, 128)\nDSV3_TENSOR_MAP(3, 8, 1, 32, 16)\n");
  ASSERT_TRUE(maps) << maps.failure().message();
  EXPECT_EQ(*maps, (std::vector<MappedMatrix>{{1, 4096, -1, 512, 128}, {3, 8, 1, 32, 16}}));
  EXPECT_EQ((*maps)[0].rowsOf({5, 7}), 4096);
  EXPECT_EQ((*maps)[1].rowsOf({5, 7}), 56) << "8 for each of the second size";
  EXPECT_TRUE(checkMatrices(*maps, 4, 2, "k"));
  EXPECT_FALSE(checkMatrices(*maps, 3, 2, "k"));
  EXPECT_FALSE(checkMatrices(*maps, 4, 1, "k"));
  EXPECT_TRUE(mapsOf("\n")->empty());
  for (const char *numbers :
       {"", "1", "1, 2, -1, 64", "-1, 64, -1, 64, 64", "1, 0, -1, 64, 64", "1, 64, -1, 120, 64",
        "1, 64, -1, 64, 257", "1, 64, -1, 64, 0", "1, 64, -2, 64, 64", "1, 2097152, 0, 64, 64",
        "1, 1099511627776, -1, 64, 64", "1, 99999999999999999999, -1, 64, 64", "1,64,-1,64,64"}) {
    auto wrong = mapsOf("DSV3_TENSOR_MAP(1, 64, -1, 64, 64)\nDSV3_TENSOR_MAP(" +
                        std::string(numbers) + ")\n");
    ASSERT_FALSE(wrong) << numbers;
    EXPECT_EQ(wrong.failure().where, "kernel 'k'");
  }
}

TEST(GpuKernel, ATextSaysWhetherItWaitsForEarlierLaunches) {
  EXPECT_TRUE(
      isDependent({"k", "void k() {\n  Launch launch = dependentLaunch(mark, number);\n}\n"}));
  EXPECT_FALSE(isDependent({"k", "void k() {\n  Launch launch{mark, number};\n}\n"}));
  EXPECT_FALSE(isDependent({"k", "//  Launch launch = dependentLaunch(mark, number);\n"}));
}

TEST(GpuKernel, APersistentKernelHasWholeClustersAndNoMoreBlocksThanMultiprocessors) {
  GridShape plain = *gridShapeOf({"k", "void __launch_bounds__(384, 1) k() {}\n"});
  EXPECT_EQ(plain, GridShape());
  EXPECT_EQ(plain.of(500, 132), (LaunchGrid{500, 1, 1}));
  GridShape pairs =
      *gridShapeOf({"k", "// a\nDSV3_PERSISTENT\nDSV3_CLUSTERS(2, 0, 1, 132)\nvoid k() {}\n"});
  EXPECT_EQ(pairs, (GridShape{true, 2, 0, 1, 132}));
  EXPECT_EQ(pairs.of(500, 132), (LaunchGrid{132, 2, 1}));
  EXPECT_EQ(pairs.of(500, 131), (LaunchGrid{130, 2, 1}));
  EXPECT_EQ(pairs.of(4, 132), (LaunchGrid{8, 2, 1})); // a neighbour for each may have no rows
  EXPECT_EQ(pairs.of(4, 1), (LaunchGrid{2, 2, 1}));   // a cluster there must be
  EXPECT_EQ(pairs.of(0, 132).blocks(), 0);
}

TEST(GpuKernel, FewTilesAreDividedAmongTheBlocksOfClusters) {
  // 17 tiles in a row of them.
  GridShape shape =
      *gridShapeOf({"k", "// a\nDSV3_PERSISTENT\nDSV3_CLUSTERS(2, 17, 4, 132)\nvoid k() {}\n"});
  EXPECT_EQ(shape.of(17, 132), (LaunchGrid{17, 1, 4}));
  EXPECT_EQ(shape.of(34, 132), (LaunchGrid{34, 1, 2})); // by four these would be 136
  EXPECT_EQ(shape.of(66, 132), (LaunchGrid{66, 1, 2}));
  EXPECT_EQ(shape.of(68, 132), (LaunchGrid{132, 2, 1}));
  // How often the depth is divided is the same with fewer multiprocessors.
  EXPECT_EQ(shape.of(17, 8), (LaunchGrid{2, 1, 4}));
  EXPECT_EQ(shape.of(17, 1), (LaunchGrid{1, 1, 4}));
  // A row of tiles has no neighbour to share with.
  GridShape alone = *gridShapeOf({"k", "\nDSV3_PERSISTENT\nDSV3_CLUSTERS(2, 56, 1, 132)\n"});
  EXPECT_EQ(alone.of(56, 132), (LaunchGrid{56, 1, 1}));
  EXPECT_EQ(alone.of(112, 132), (LaunchGrid{132, 2, 1}));
}

TEST(GpuKernel, ClustersThatAreNoneAreRefused) {
  for (const char *numbers : {"", "2", "2, 17, 4", "2, 17, 3, 132)", "0, 17, 4, 132)",
                              "16, 17, 4, 132)", "2, 17, -4, 132)", "a, 17, 4, 132)"}) {
    Expected<GridShape> wrong =
        gridShapeOf({"k", "\nDSV3_CLUSTERS(" + std::string(numbers) + "\n"});
    ASSERT_FALSE(wrong) << numbers;
    EXPECT_EQ(wrong.failure().where, "kernel 'k'");
  }
}

TEST(GpuKernel, TheMarkOfAFailureHoldsLaunchAndCode) {
  uint64_t mark = uint64_t(7) << 32 | uint32_t(~uint32_t(1));
  EXPECT_EQ(failedLaunch(mark), 7U);
  EXPECT_EQ(failureCode(mark), 1);
  EXPECT_LT(mark, noFailure);
}
