//===- SimTrafficTest.cpp - what products ask memory for ------------------===//
//
// Each form of a product beside the least that its tiles need: every row, every row of the
// weight and their scales once, results once; and no bank conflict. Needs clang; skipped
// without it.
//
//===----------------------------------------------------------------------===//
#include "SimTraffic.h"

#include <algorithm>
#include <fmt/format.h>

using namespace dsv3;
using namespace dsv3::test;

namespace {

/// A form of a product, of numbers or of codes with scales. Blocks have a tile each.
struct Form {
  const char *name;
  std::string function; ///< of the family, with the arguments of its template
  int rows, columns;    ///< of a tile; columns of each part
  const char *x = "e4m3", *weight = "e4m3";
  int threads = 256, sharedBytes = 0, parts = 1;
  int boxRows = 0, cluster = 1; ///< of a weight that comes by TMA, and blocks that share it
  int divided = 1;              ///< blocks that divide the depth of a tile
  int experts = 0;              ///< of a grouped product, each with `cluster` tiles of rows
  double most = 1.05;           ///< of the least
  bool rounded = false;         ///< the weight to bf16, on its way
  bool mapped = false;          ///< rows come by TMA

  int rowTiles() const { return std::max(1, experts) * cluster; }
};
void PrintTo(const Form &form, std::ostream *out) { *out << form.name; }

class DotTraffic : public testing::TestWithParam<Form> {};
class TileTraffic : public testing::TestWithParam<Form> {};

} // namespace

/// Columns that are summed, and tiles side by side.
static constexpr int depth = 2048, across = 2;

namespace {
/// How elements are stored: so many rows and columns of a weight have scales of so many bytes
/// together; rows that are multiplied have their own for so many columns.
struct Stored {
  int bits, blockRows = 0, blockColumns = 0, scaleBytes = 0;

  bool areCodes() const { return scaleBytes > 0; }
  int bytes(int elements) const { return elements * bits / 8; }
  int scaleBytesOfRow() const { return areCodes() ? depth / blockColumns * scaleBytes : 0; }
};
} // namespace

static Stored storedAs(std::string_view type) {
  return type == "float"  ? Stored{32}
         : type == "bf16" ? Stored{16}
         : type == "e4m3" ? Stored{8, 128, 128, 4}
         : type == "i8"   ? Stored{8, 1, 32, 2}
                          : Stored{4, 1, 32, 4}; // i4x2
}

/// The rows and the weight, as the text has them.
static std::string operandsOf(const Form &form) {
  std::string x = fmt::format("Rows<const {0}, 0, {1}, {1}>{{a}}", form.x, depth);
  if (Stored rows = storedAs(form.x); rows.areCodes()) {
    x = fmt::format("scaledRows<{}>({}, aScales)", depth / rows.blockColumns, x);
  }
  x = form.mapped ? "mappedRows(" + x + ", &map1)" : x;
  Stored weight = storedAs(form.weight);
  return x + fmt::format(", Weight<{}, {}, {}, {}, {}{}>{{weight, scales}}", form.weight,
                         form.columns * across * form.parts, depth, weight.blockRows,
                         weight.blockColumns, form.rounded ? ", Prologue" : "");
}

/// Zeros for the kernel's buffers; entries of a grouped product lie in another order than its rows.
static std::vector<std::vector<std::byte>> buffersOf(const Form &form) {
  int groups = std::max(1, form.experts), rows = form.rows * form.rowTiles();
  int columns = form.columns * across, ofWeight = groups * columns * form.parts;
  std::vector<int32_t> offsets, entries;
  for (int i = 0; i <= groups; ++i) {
    offsets.push_back(i * form.rows * form.cluster);
  }
  for (int i = 0; i < rows; ++i) {
    entries.push_back(rows - 1 - i);
  }
  auto zeros = [](int count) { return std::vector<std::byte>(size_t(count)); };
  auto bytesOf = [](const std::vector<int32_t> &numbers) {
    auto bytes = std::as_bytes(std::span(numbers));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  };
  Stored x = storedAs(form.x), weight = storedAs(form.weight);
  int scaleRows = weight.areCodes() ? ofWeight / weight.blockRows + 1 : 1;
  return {zeros(x.bytes(rows * depth)),
          zeros(weight.bytes(ofWeight * depth)),
          zeros(scaleRows * weight.scaleBytesOfRow() + 1),
          zeros(rows * x.scaleBytesOfRow() + 1),
          bytesOf(offsets),
          bytesOf(entries),
          zeros(rows * columns * 2)};
}

static TrafficKernel kernelOf(const Form &form) {
  int columns = form.columns * across;
  TrafficKernel kernel;
  kernel.header = "family/wgmma_gemm";
  kernel.parameters =
      fmt::format("const {} *a, const {} *weight, const CodeForm<{}>::Scale *scales, "
                  "const float *aScales, const int32 *offsets, const int32 *entries, bf16 *out",
                  form.x, form.weight, form.weight);
  kernel.threads = form.threads;
  kernel.body = fmt::format(
      "  struct Prologue {{\n"
      "    __device__ bf16 operator()(float element) const {{ return toNarrow<bf16>(element); }}\n"
      "  }};\n"
      "  struct Epilogue {{\n"
      "    bf16 *out;\n"
      "    __device__ void operator()(Place at, const float (&sums)[{}]) const {{\n"
      "      out[at.row * {} + at.column] = toNarrow<bf16>(sums[0]);\n"
      "    }}\n"
      "  }};\n"
      "  {}(Launch{{mark, number}}{}, {}, {}, Epilogue{{out}});\n",
      form.parts, columns, form.function, form.boxRows > 0 ? ", &map" : "", operandsOf(form),
      form.experts > 0 ? "ContiguousGroups{offsets}, entries"
                       : std::to_string(form.rows * form.rowTiles()));
  if (form.boxRows > 0) {
    kernel.tensorMaps.push_back(fmt::format("1, {}, -1, {}, {}",
                                            std::max(1, form.experts) * columns * form.parts,
                                            storedAs(form.weight).bytes(depth), form.boxRows));
  }
  if (form.mapped) {
    kernel.tensorMaps.push_back(fmt::format("0, {}, -1, {}, 64", form.rows * form.rowTiles(),
                                            storedAs(form.x).bytes(depth)));
  }
  kernel.cluster = form.cluster;
  kernel.divided = form.divided;
  kernel.how = {.blocks = int64_t(form.rowTiles()) * across, .sharedBytes = form.sharedBytes};
  kernel.buffers = buffersOf(form);
  return kernel;
}

/// What so many rows and columns of each part have to load and store; blocks that share the
/// weight load a part of it each.
static double leastBytes(const Form &form, double rows, double columns) {
  Stored x = storedAs(form.x), weight = storedAs(form.weight);
  double scaleRows = std::max(1.0, columns / std::max(1, weight.blockRows));
  return rows * (x.bytes(depth) + x.scaleBytesOfRow()) +
         form.parts *
             (columns * weight.bytes(depth) / form.cluster + scaleRows * weight.scaleBytesOfRow()) +
         rows * columns * 2;
}

/// Of a place with conflicts.
static std::string textOf(const runtime::SimLine &line) {
  return fmt::format("{}: {} wavefronts, at least {}", line.where, line.actual, line.least);
}

// A warp has a column: whatever others of its block loaded, it asks for its operands once.
TEST_P(DotTraffic, WarpsAskForTheirOperandsOnce) {
  const Form &form = GetParam();
  std::optional<Traffic> found = trafficOf(kernelOf(form));
  if (!found) {
    GTEST_SKIP() << "needs clang";
  }
  double least = leastBytes(form, form.rows, 1) * form.columns * across;
  EXPECT_LE(found->askedBytes, form.most * least) << found->askedBytes / least;
  EXPECT_GE(found->askedBytes, least) << "more was counted as the least than is needed";
  EXPECT_TRUE(found->conflicts.empty()) << textOf(found->conflicts[0]);
}

TEST_P(TileTraffic, BlocksLoadTheirTilesOnce) {
  const Form &form = GetParam();
  std::optional<Traffic> found = trafficOf(kernelOf(form));
  if (!found) {
    GTEST_SKIP() << "needs clang";
  }
  double least = leastBytes(form, form.rows, form.columns) * form.rowTiles() * across;
  EXPECT_LE(found->bytes, form.most * least) << found->bytes / least;
  EXPECT_GE(found->bytes, least) << "more was counted as the least than is needed";
  EXPECT_TRUE(found->conflicts.empty()) << textOf(found->conflicts[0]);
}

static const auto nameOfForm = [](const auto &info) { return std::string(info.param.name); };

// Rows that are wider than the weight are loaded 16 bytes at a time, which are half of what a lane
// meets with 16 bytes of the weight: each of their sectors is asked for twice.
INSTANTIATE_TEST_SUITE_P(Forms, DotTraffic,
                         testing::Values(Form{.name = "F32",
                                              .function = "gemmRows<1, 8, 1, 1, 128>",
                                              .rows = 1,
                                              .columns = 4,
                                              .x = "float",
                                              .weight = "bf16",
                                              .threads = 128,
                                              .most = 1.68},
                                         Form{.name = "F32AndCodes",
                                              .function = "gemmRows<1, 8, 1, 1, 128>",
                                              .rows = 1,
                                              .columns = 4,
                                              .x = "float",
                                              .threads = 128,
                                              .most = 1.81},
                                         Form{.name = "Bf16",
                                              .function = "gemmRows<1, 8, 1, 1, 128>",
                                              .rows = 1,
                                              .columns = 4,
                                              .x = "bf16",
                                              .weight = "bf16",
                                              .threads = 128},
                                         Form{.name = "Bf16AndCodes",
                                              .function = "gemmRows<1, 8, 1, 1, 128>",
                                              .rows = 1,
                                              .columns = 4,
                                              .x = "bf16",
                                              .threads = 128,
                                              .most = 1.68},
                                         Form{.name = "Codes",
                                              .function = "gemmRows<1, 8, 1, 1, 128>",
                                              .rows = 1,
                                              .columns = 4,
                                              .threads = 128},
                                         Form{.name = "EightRowsOfCodes",
                                              .function = "gemmRows<1, 8, 1, 8, 128>",
                                              .rows = 8,
                                              .columns = 4,
                                              .threads = 128}),
                         nameOfForm);

// FMA tiles store a column of four at a time, so that each sector of a result is written in four
// pieces.
INSTANTIATE_TEST_SUITE_P(
    Forms, TileTraffic,
    testing::Values(Form{.name = "FmaF32",
                         .function = "gemmTiles<1, 128, 1>",
                         .rows = 64,
                         .columns = 64,
                         .x = "float",
                         .weight = "bf16",
                         .sharedBytes = 8192},
                    Form{.name = "FmaCodes",
                         .function = "gemmTiles<1, 128, 1>",
                         .rows = 64,
                         .columns = 64,
                         .x = "bf16",
                         .sharedBytes = 8192,
                         .most = 1.07},
                    Form{.name = "MmaBf16",
                         .function = "gemmMma<1, 128, 1, MmaTile<128, 64, 3>>",
                         .rows = 128,
                         .columns = 64,
                         .x = "bf16",
                         .weight = "bf16",
                         .sharedBytes = 73728},
                    Form{.name = "MmaCodes",
                         .function = "gemmMma<1, 128, 1, MmaTile<128, 64, 3>>",
                         .rows = 128,
                         .columns = 64,
                         .sharedBytes = 73728},
                    Form{.name = "MmaGateAndUp",
                         .function = "gemmMma<2, 128, 1, MmaTile<128, 64, 3>>",
                         .rows = 128,
                         .columns = 64,
                         .x = "bf16",
                         .weight = "bf16",
                         .sharedBytes = 98304,
                         .parts = 2},
                    Form{.name = "MmaGrouped",
                         .function = "groupedGemmMma<1, 128, 2, MmaTile<128, 64, 3>, true>",
                         .rows = 128,
                         .columns = 64,
                         .sharedBytes = 73728,
                         .experts = 2},
                    Form{.name = "MmaWidenedCodes",
                         .function = "gemmMma<1, 128, 1, MmaTile<128, 64, 3, 8>>",
                         .rows = 128,
                         .columns = 64,
                         .x = "bf16",
                         .sharedBytes = 73728,
                         .rounded = true},
                    Form{.name = "MmaWidenedGateAndUp",
                         .function = "gemmMma<2, 128, 1, MmaTile<128, 64, 3, 8>>",
                         .rows = 128,
                         .columns = 64,
                         .x = "bf16",
                         .sharedBytes = 98304,
                         .parts = 2,
                         .rounded = true},
                    Form{.name = "MmaWidenedGrouped",
                         .function = "groupedGemmMma<1, 128, 2, MmaTile<128, 64, 3, 8>, true>",
                         .rows = 128,
                         .columns = 64,
                         .x = "bf16",
                         .sharedBytes = 73728,
                         .experts = 2,
                         .rounded = true},
                    Form{.name = "MmaWidenedInt8",
                         .function = "gemmMma<1, 128, 1, MmaTile<128, 64, 3, 8>>",
                         .rows = 128,
                         .columns = 64,
                         .x = "bf16",
                         .weight = "i8",
                         .sharedBytes = 73728,
                         .rounded = true},
                    Form{.name = "MmaWidenedInt4",
                         .function = "gemmMma<2, 128, 1, MmaTile<128, 64, 3, 4>>",
                         .rows = 128,
                         .columns = 64,
                         .x = "bf16",
                         .weight = "i4x2",
                         .sharedBytes = 90112,
                         .parts = 2,
                         .rounded = true},
                    Form{.name = "WgmmaBf16",
                         .function = "gemmWgmma<1, 256, 1, WgmmaTile<128, 128, 6, 1>>",
                         .rows = 128,
                         .columns = 128,
                         .x = "bf16",
                         .weight = "bf16",
                         .threads = 384,
                         .sharedBytes = 217184,
                         .boxRows = 128},
                    Form{.name = "WgmmaCodes",
                         .function = "gemmWgmma<1, 256, 1, WgmmaTile<128, 128, 6, 1>>",
                         .rows = 128,
                         .columns = 128,
                         .threads = 384,
                         .sharedBytes = 217184,
                         .boxRows = 128,
                         .mapped = true},
                    Form{.name = "WgmmaPairs",
                         .function = "gemmWgmma<1, 256, 1, WgmmaTile<128, 128, 6, 2>>",
                         .rows = 128,
                         .columns = 128,
                         .threads = 384,
                         .sharedBytes = 217184,
                         .boxRows = 64,
                         .cluster = 2,
                         .mapped = true},
                    Form{.name = "WgmmaPairsOfMany",
                         .function = "gemmWgmma<1, 256, 1, WgmmaTile<128, 128, 6, 2, 4>>",
                         .rows = 128,
                         .columns = 128,
                         .threads = 384,
                         .sharedBytes = 217184,
                         .boxRows = 64,
                         .cluster = 2,
                         .mapped = true},
                    Form{.name = "WgmmaDividedBf16",
                         .function = "gemmWgmma<1, 256, 1, WgmmaTile<128, 128, 6, 2, 8>>",
                         .rows = 128,
                         .columns = 128,
                         .x = "bf16",
                         .weight = "bf16",
                         .threads = 384,
                         .sharedBytes = 217184,
                         .boxRows = 64,
                         .divided = 8,
                         .mapped = true},
                    Form{.name = "WgmmaDividedCodes",
                         .function = "gemmWgmma<1, 256, 1, WgmmaTile<128, 128, 6, 2, 4>>",
                         .rows = 128,
                         .columns = 128,
                         .threads = 384,
                         .sharedBytes = 217184,
                         .boxRows = 64,
                         .divided = 4,
                         .mapped = true},
                    Form{.name = "WgmmaGrouped",
                         .function = "groupedGemmWgmma<1, 256, 2, WgmmaTile<128, 128, 6, 1>, true>",
                         .rows = 128,
                         .columns = 128,
                         .threads = 384,
                         .sharedBytes = 217184,
                         .boxRows = 128,
                         .experts = 2},
                    Form{
                        .name = "WgmmaGroupedInOrder",
                        .function = "groupedGemmWgmma<1, 256, 2, WgmmaTile<128, 128, 6, 1>, false>",
                        .rows = 128,
                        .columns = 128,
                        .threads = 384,
                        .sharedBytes = 217184,
                        .boxRows = 128,
                        .experts = 2,
                        .mapped = true},
                    Form{.name = "WgmmaGroupedPairs",
                         .function = "groupedGemmWgmma<1, 256, 2, WgmmaTile<128, 128, 6, 2>, true>",
                         .rows = 128,
                         .columns = 128,
                         .threads = 384,
                         .sharedBytes = 217184,
                         .boxRows = 64,
                         .cluster = 2,
                         .experts = 2}),
    nameOfForm);

/// Rows of 128 floats by a warp, which leaves them in shared memory and stores their sums.
static TrafficKernel smallKernel(const std::string &load, const std::string &place) {
  TrafficKernel kernel;
  kernel.header = "tile/reduce";
  kernel.parameters = "const float *x, float *y";
  kernel.body = "  SharedArrays shared;\n"
                "  float *a = shared.take<float>(32 * 33);\n"
                "  float sum = 0.0f;\n"
                "  for (int i = 0; i < 32; ++i) sum += loadVector<1>(x + " +
                load +
                ").values[0];\n"
                "  a[" +
                place +
                "] = sum;\n"
                "  syncWarp();\n"
                "  y[threadIndex()] = a[" +
                place + "];\n";
  kernel.how = {.blocks = 1, .sharedBytes = int64_t(32) * 33 * 4};
  kernel.buffers = {std::vector<std::byte>(4096), std::vector<std::byte>(128)};
  return kernel;
}

TEST(SimTraffic, WhatIsAskedForTwiceAndConflictsAreSeen) {
  std::optional<Traffic> right =
      trafficOf(smallKernel("i * 32 + threadIndex()", "threadIndex() * 33"));
  if (!right) {
    GTEST_SKIP() << "needs clang";
  }
  constexpr double least = 4096 + 128;
  EXPECT_EQ(right->bytes, least);
  EXPECT_EQ(right->askedBytes, least);
  EXPECT_TRUE(right->conflicts.empty());
  // Every other element, then those between: the first-level cache answers the second time.
  std::optional<Traffic> twice =
      trafficOf(smallKernel("i / 2 * 64 + threadIndex() * 2 + i % 2", "threadIndex() * 33"));
  EXPECT_EQ(twice->bytes, least);
  EXPECT_EQ(twice->askedBytes, 2 * 4096 + 128);
  std::optional<Traffic> conflict =
      trafficOf(smallKernel("i * 32 + threadIndex()", "threadIndex() * 32"));
  ASSERT_EQ(conflict->conflicts.size(), 2U);
  EXPECT_EQ(conflict->conflicts[0].actual, 32);
  EXPECT_EQ(conflict->conflicts[0].least, 1);
}
