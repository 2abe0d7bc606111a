//===- FamiliesTest.cpp - the table of kernel families --------------------===//
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/CpuTiles.h"
#include "dsv3/Plan/Kernel.h"
#include "dsv3/Plan/Layout.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Plan/Scratch.h"
#include "dsv3/Support/Hash.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <sstream>

using namespace dsv3;
using namespace dsv3::plan;

/// The fields that the table gives a family: "gather row-major revision 1: rows".
static std::string fieldsInTable(std::string_view family) {
  std::istringstream table(familyTable());
  for (std::string line; std::getline(table, line);) {
    if (line.starts_with(std::string(family) + " ")) {
      std::string fields = line.substr(line.find(':') + 1);
      return fields.empty() ? fields : fields.substr(1);
    }
  }
  return "no such family";
}

/// A configuration is what the code generator reads: no more than the table says.
TEST(Families, ConfigurationsHaveTheFieldsOfTheTable) {
  KernelFacts facts;
  facts.maxRows = 64, facts.n = 128, facts.k = 128, facts.groups = 16, facts.heads = 4;
  facts.latent = 32, facts.rope = 8, facts.nope = 16, facts.value = 24, facts.expertGroups = 4;
  for (const char *name : {"rowwise", "gemm", "grouped_gemm", "gather", "rope_table", "rope_append",
                           "latent_attention", "expanded_attention", "router", "dispatch",
                           "combine", "concat", "sample"}) {
    for (const CpuVariant &variant : cpuVariants()) {
      std::string fields;
      for (const auto &field : chooseConfig(*familyFromName(name), variant, facts).fields) {
        fields += (fields.empty() ? "" : " ") + field.name;
      }
      EXPECT_EQ(fields, fieldsInTable(name)) << name;
    }
  }
  EXPECT_EQ(fieldsInTable("combine"), "columns");
}

/// Codes have dots on every variant, rows of bf16 where there is an instruction for them; tiles and
/// their copies of rows find room.
TEST(Families, NarrowRowsMeetDots) {
  for (const CpuVariant &variant : cpuVariants()) {
    KernelFacts facts;
    facts.n = 128, facts.k = 1000, facts.parts = 2, facts.maxRows = 512;
    facts.weight = DType::I4, facts.rows = DType::I8, facts.scaleColumns = 32;
    EXPECT_EQ(weightLayout(Family::Gemm, variant, DType::I4, DType::I8).kind, LayoutKind::Dots);
    Configuration codes = chooseConfig(Family::Gemm, variant, facts);
    EXPECT_EQ(codes.get("k_block") % 32, 0);
    auto scratch = [&](const Configuration &config) {
      return DotScratch(variant, DType::I8, facts.weight, paddedRows(96, config.get("mr")),
                        config.get("panels"), 2, config.get("k_block"), 4 * variant.lanes);
    };
    EXPECT_EQ(codes.scratchBytes, scratch(codes).bytes);
    // Several rows of codes meet i8 widened where four are not multiplied at once: there is room
    // for a register tile's columns as 16 bits, whose f32 sums leave registers to the integer ones.
    facts.weight = DType::I8;
    Configuration bytes = chooseConfig(Family::Gemm, variant, facts);
    DotScratch ofBytes = scratch(bytes);
    EXPECT_EQ(ofBytes.widens, variant.dots != DType::I8);
    EXPECT_EQ(bytes.scratchBytes, ofBytes.bytes);
    EXPECT_EQ(bytes.get("mr"), variant.registers < 32 ? 6 : ofBytes.widens ? 12 : 6);
    EXPECT_EQ(ofBytes.bytes - ofBytes.widened * 4,
              ofBytes.widens ? bytes.get("k_block") * tileWidth(variant) * 2 : 0);
    EXPECT_FALSE(widensCodes(variant, DType::I8, DType::I8, 1));
    LayoutKind ofBf16 = weightLayout(Family::Gemm, variant, DType::BF16, DType::BF16).kind;
    EXPECT_EQ(ofBf16, variant.dots == DType::BF16 ? LayoutKind::Dots : LayoutKind::Panels);
  }
  EXPECT_EQ(variantsFor(DType::F32), (std::vector<std::string>{"x86-64-v3", "x86-64-v4"}));
  EXPECT_EQ(variantsFor(DType::I8), (std::vector<std::string>{"x86-64-v3", "x86-64-v4-vnni"}));
  EXPECT_EQ(variantsFor(DType::BF16), (std::vector<std::string>{"x86-64-v3", "x86-64-v4-bf16"}));
}

/// A row alone is scaled by its sums, several are by their weights; every weight type finds
/// registers for a row of gate and up.
TEST(Families, ProductsOfCodesSumWholeBlocksOfScales) {
  for (const CpuVariant &variant : cpuVariants()) {
    for (DType weight : {DType::I8, DType::I4}) {
      KernelFacts facts;
      facts.n = 128, facts.k = 1000, facts.parts = 2, facts.weight = weight;
      facts.scaleColumns = 32;
      EXPECT_EQ(panelWidth(variant, weight), 4 * variant.lanes);
      Configuration one = chooseConfig(Family::Gemm, variant, facts);
      EXPECT_EQ(one.get("k_block"), 32);
      EXPECT_EQ(one.get("flight"), 1);
      facts.maxRows = 512;
      Configuration many = chooseConfig(Family::Gemm, variant, facts);
      EXPECT_GT(many.get("k_block"), 32);
      EXPECT_EQ(many.get("k_block") % 32, 0);
      facts.k = 7;
      EXPECT_EQ(chooseConfig(Family::Gemm, variant, facts).get("k_block"), 32);
    }
  }
}

/// The same on GPUs, where some have no use for a field, and each has a number of threads that
/// makes whole warps.
TEST(Families, ConfigurationsOfGpusHaveTheFieldsOfTheTable) {
  KernelFacts facts;
  facts.maxRows = 512, facts.n = 128, facts.k = 128, facts.groups = 16, facts.heads = 4;
  facts.latent = 32, facts.rope = 8, facts.nope = 16, facts.value = 24, facts.expertGroups = 4;
  facts.topK = 4;
  for (const char *name : {"rowwise", "gemm", "grouped_gemm", "gather", "rope_table", "rope_append",
                           "latent_attention", "expanded_attention", "router", "dispatch",
                           "combine", "concat", "sample"}) {
    for (const GpuVariant &variant : gpuVariants()) {
      Configuration config = chooseConfig(*familyFromName(name), variant.name, facts);
      ASSERT_TRUE(config.legal) << name << ": " << config.reason;
      std::set<std::string> fields;
      for (const Configuration &one : enumerateConfigs(*familyFromName(name), variant, facts)) {
        for (const auto &field : one.fields) {
          fields.insert(field.name);
        }
      }
      std::string all;
      for (const std::string &field : fields) {
        all += (all.empty() ? "" : " ") + field;
      }
      EXPECT_EQ(" " + all, " " + fieldsInTable("gpu " + std::string(name))) << name;
      EXPECT_EQ(config.get("threads") % 32, 0) << name;
      EXPECT_LE(config.scratchBytes, variant.sharedBytes) << name;
    }
  }
}

/// What no block can hold is said, not chosen.
TEST(Families, AGpuRefusesWhatItsSharedMemoryCannotHold) {
  KernelFacts facts;
  facts.maxRows = 512, facts.heads = 4, facts.latent = 512, facts.rope = 64;
  facts.nope = 1024, facts.value = 1024;
  Configuration config = chooseConfig(Family::ExpandedAttention, variantSm90a, facts);
  EXPECT_FALSE(config.legal);
  EXPECT_NE(config.reason.find("bytes of shared memory, a block has"), std::string::npos)
      << config.reason;
}

/// With many experts fewer warps count them.
TEST(Families, ADispatchKeepsToSharedMemory) {
  KernelFacts facts;
  facts.maxRows = 4096, facts.topK = 8, facts.groups = 384;
  EXPECT_EQ(chooseConfig(Family::Dispatch, variantSm90a, facts).get("threads"), 256);
  facts.groups = 10000;
  Configuration config = chooseConfig(Family::Dispatch, variantSm90a, facts);
  EXPECT_TRUE(config.legal) << config.reason;
  EXPECT_EQ(config.get("threads"), 128);
  EXPECT_LE(config.scratchBytes, findGpuVariant("sm_90a")->sharedBytes);
  facts.groups = 65536;
  EXPECT_FALSE(chooseConfig(Family::Dispatch, variantSm90a, facts).legal);
}

/// Rows of bf16 are copied by eight columns, those of an f32 weight by four.
TEST(Families, TensorCoresWantRowsOfWholeCopies) {
  KernelFacts facts;
  facts.maxRows = 512, facts.n = 128, facts.rowsBegin = 32;
  facts.rows = DType::BF16, facts.weight = DType::F32, facts.rounded = true;
  auto form = [&](int64_t k) {
    facts.k = k;
    return static_cast<GpuProduct>(chooseConfig(Family::Gemm, variantSm90a, facts).get("form"));
  };
  EXPECT_EQ(form(24), GpuProduct::MmaTiles);
  EXPECT_EQ(form(20), GpuProduct::FmaTiles);
}

/// Products of many rows too, where both are bf16, or the weight is rounded to it by 16 bytes, each
/// with one scale.
TEST(Families, ProductsOnTensorCoresOfWhatBecomesBf16) {
  KernelFacts facts;
  facts.maxRows = 512, facts.n = 2048, facts.k = 7168, facts.parts = 2, facts.rowsBegin = 8;
  facts.rows = DType::BF16, facts.weight = DType::F8E4M3, facts.scaleColumns = 128;
  facts.rounded = true;
  auto with = [&](std::string_view variant, auto change) {
    KernelFacts changed = facts;
    change(changed);
    Configuration config = chooseConfig(Family::GroupedGemm, variant, changed);
    return std::pair(GpuProduct(config.get("form")), config.scratchBytes / 1024);
  };
  auto same = [](KernelFacts &) {};
  std::pair fma(GpuProduct::FmaTiles, int64_t(12));
  for (const GpuVariant &variant : gpuVariants()) {
    EXPECT_EQ(with(variant.name, same), std::pair(GpuProduct::MmaTiles, int64_t(96)));
  }
  auto int4 = [](KernelFacts &f) { f.weight = DType::I4, f.scaleColumns = 32; };
  EXPECT_EQ(with(variantSm120a, int4), std::pair(GpuProduct::MmaTiles, int64_t(88)));
  auto f32 = [](KernelFacts &f) { f.weight = DType::F32, f.scaleColumns = 0; };
  EXPECT_EQ(with(variantSm80, f32), std::pair(GpuProduct::MmaTiles, int64_t(144)));
  EXPECT_EQ(with(variantSm120a, f32), fma) << "99 KiB of shared memory";
  EXPECT_EQ(with(variantSm80, [](KernelFacts &f) { f.rounded = false; }), fma);
  EXPECT_EQ(with(variantSm80, [](KernelFacts &f) { f.k = 7176; }), fma);
  EXPECT_EQ(with(variantSm80, [](KernelFacts &f) { f.rowsBegin = 4; }), fma);
  EXPECT_EQ(with(variantSm80, [](KernelFacts &f) { f.scaleColumns = 8; }), fma);
  auto ofGroups = [](KernelFacts &f) { f.warpGroups = true; };
  EXPECT_EQ(with(variantSm90a, ofGroups).first, GpuProduct::MmaTiles) << "as it is stored alone";
}

/// The products of DeepSeek-V3 with few tiles, in codes, have so many blocks for each of them as
/// make the chip's memory the limit.
TEST(Families, BlocksDivideTheDepthOfFewTiles) {
  KernelFacts facts;
  facts.maxRows = 4096, facts.rowsBegin = 16, facts.resultBegins = 16, facts.warpGroups = true;
  facts.rows = facts.weight = DType::F8E4M3, facts.result = DType::BF16, facts.scaleColumns = 128;
  auto chosen = [&](int64_t n, int64_t k, Family family = Family::Gemm) {
    facts.n = n, facts.k = k;
    return chooseConfig(family, variantSm90a, facts);
  };
  EXPECT_EQ(chosen(2112, 7168).get("depth_parts"), 4);
  EXPECT_NE(chosen(2112, 7168).reason.find("17 tiles are few, whose depth 4 blocks divide"),
            std::string::npos);
  EXPECT_EQ(chosen(2112, 7168).tiles, (TileCount{0, 1, 128, 17, 0}));
  EXPECT_EQ(chosen(7168, 16384).get("depth_parts"), 2);
  EXPECT_EQ(chosen(7168, 2048).get("depth_parts"), 2);
  EXPECT_EQ(chosen(24576, 1536).get("depth_parts"), 1) << "as many tiles as multiprocessors";
  EXPECT_EQ(chosen(128, 896).get("depth_parts"), 1) << "pieces fill the stages of one block";
  EXPECT_EQ(chosen(2112, 7168, Family::GroupedGemm).get("depth_parts"), 1);
  facts.parts = 2, facts.codeGroup = 128;
  EXPECT_EQ(chosen(2048, 7168).get("depth_parts"), 4) << "four blocks have rows";
}

/// Keys of a prompt are expanded by warp groups: of sm_90a alone, in whole boxes.
TEST(Families, WarpGroupsExpandKeysOfWholeBoxes) {
  KernelFacts facts;
  facts.maxRows = 512, facts.heads = 16, facts.latent = 512, facts.rope = 64, facts.keyRows = 4096;
  facts.nope = 128, facts.value = 128, facts.rowsBegin = 64;
  for (Family family : {Family::ExpandLatents, Family::PrefillAttention}) {
    Configuration good = chooseConfig(family, variantSm90a, facts);
    EXPECT_TRUE(good.legal) << good.reason;
    EXPECT_EQ(good.get("threads"), 384);
    EXPECT_FALSE(chooseConfig(family, variantSm80, facts).legal);
    EXPECT_FALSE(chooseConfig(family, cpuVariants().front().name, facts).legal);
    for (int64_t KernelFacts::*size :
         {&KernelFacts::nope, &KernelFacts::value, &KernelFacts::rope}) {
      KernelFacts changed = facts;
      changed.*size = 72;
      EXPECT_FALSE(chooseConfig(family, variantSm90a, changed).legal);
    }
  }
  EXPECT_EQ(chooseConfig(Family::ExpandLatents, variantSm90a, facts).tiles.plus, 4096 / 128 * 32);
  facts.latent = 1024; // no stage fits beside so many
  EXPECT_FALSE(chooseConfig(Family::ExpandLatents, variantSm90a, facts).legal);
}

/// Attention of a prompt runs on tensor cores where they have nothing to round, and its rows are
/// whole fragments that fit.
TEST(Families, AttentionOnTensorCoresWhereItIsExact) {
  KernelFacts facts;
  facts.maxRows = 512, facts.heads = 16, facts.latent = 512, facts.rope = 64;
  facts.nope = 128, facts.value = 128, facts.rowsBegin = 64;
  facts.rows = facts.weight = facts.cache = DType::BF16;
  auto form = [](std::string_view variant, const KernelFacts &facts) {
    return GpuProduct(chooseConfig(Family::ExpandedAttention, variant, facts).get("form"));
  };
  EXPECT_EQ(form(variantSm80, facts), GpuProduct::MmaTiles);
  EXPECT_EQ(form(variantSm120a, facts), GpuProduct::FmaTiles) << "99 KiB of shared memory";
  auto without = [&](auto change) {
    KernelFacts changed = facts;
    change(changed);
    return form(variantSm80, changed);
  };
  EXPECT_EQ(without([](KernelFacts &f) { f.rows = DType::F32; }), GpuProduct::FmaTiles);
  EXPECT_EQ(without([](KernelFacts &f) { f.weight = DType::F8E4M3; }), GpuProduct::FmaTiles);
  EXPECT_EQ(without([](KernelFacts &f) { f.cache = DType::F16; }), GpuProduct::FmaTiles);
  // A weight that is rounded on its way.
  facts.rounded = true, facts.weight = DType::F8E4M3, facts.scaleColumns = 128;
  EXPECT_EQ(form(variantSm80, facts), GpuProduct::MmaTiles);
  EXPECT_EQ(without([](KernelFacts &f) { f.scaleColumns = 8; }), GpuProduct::FmaTiles);
  EXPECT_EQ(without([](KernelFacts &f) { f.latent = 520; }), GpuProduct::FmaTiles);
  facts.weight = DType::F32, facts.scaleColumns = 0;
  EXPECT_EQ(form(variantSm90a, facts), GpuProduct::MmaTiles);
  EXPECT_EQ(form(variantSm80, facts), GpuProduct::FmaTiles) << "163 KiB of shared memory";
  facts.rounded = false, facts.weight = DType::BF16;
  EXPECT_EQ(without([](KernelFacts &f) { f.nope = 120; }), GpuProduct::FmaTiles);
  EXPECT_EQ(without([](KernelFacts &f) { f.rowsBegin = 4; }), GpuProduct::FmaTiles);
}

/// Attention of a few tokens too. A block has as many heads as leave enough blocks, and pieces of
/// as many keys as two of them fit.
TEST(Families, AbsorbedAttentionOnTensorCoresWhereItIsExact) {
  KernelFacts facts;
  facts.maxRows = 64, facts.heads = 128, facts.keyParts = 2, facts.latent = 512, facts.rope = 64;
  facts.rowsBegin = 64, facts.rows = facts.cache = DType::BF16;
  auto with = [&](std::string_view variant, auto change) {
    KernelFacts changed = facts;
    change(changed);
    return chooseConfig(Family::LatentAttention, variant, changed);
  };
  auto shape = [](const Configuration &config) {
    EXPECT_EQ(GpuProduct(config.get("form")), GpuProduct::MmaTiles) << config.reason;
    return std::array{config.get("heads"), config.get("keys"), config.get("stages")};
  };
  using Shape = std::array<int64_t, 3>;
  auto same = [](KernelFacts &) {};
  EXPECT_EQ(shape(with(variantSm90a, same)), (Shape{64, 64, 2}));
  EXPECT_EQ(shape(with(variantSm80, same)), (Shape{64, 32, 2}));
  EXPECT_EQ(shape(with(variantSm120a, same)), (Shape{32, 16, 3})) << "99 KiB of shared memory";
  EXPECT_EQ(shape(with(variantSm90a, [](KernelFacts &f) { f.maxRows = 16; })), (Shape{32, 64, 2}));
  EXPECT_EQ(shape(with(variantSm90a, [](KernelFacts &f) { f.maxRows = 1; })), (Shape{16, 64, 2}));
  EXPECT_EQ(shape(with(variantSm80, [](KernelFacts &f) { f.heads = 8; })), (Shape{16, 32, 3}));
  EXPECT_EQ(shape(with(variantSm90a, [](KernelFacts &f) { f.pageTokens = 32; })),
            (Shape{64, 32, 3}));
  EXPECT_EQ(shape(with(variantSm90a, [](KernelFacts &f) { f.latent = 1024; })), (Shape{32, 32, 2}))
      << "the registers of 64 heads";
  auto refused = [&](auto change) {
    Configuration config = with(variantSm80, change);
    EXPECT_EQ(GpuProduct(config.get("form")), GpuProduct::FmaTiles);
    return config.reason.substr(config.reason.find("; ") + 2);
  };
  EXPECT_EQ(refused([](KernelFacts &f) { f.rows = DType::F32; }),
            "tensor cores would round queries or cache of f32 to bf16");
  EXPECT_EQ(refused([](KernelFacts &f) { f.cache = DType::F16; }),
            "tensor cores would round queries or cache of f16 to bf16");
  EXPECT_EQ(refused([](KernelFacts &f) { f.rope = 8; }),
            "latents, rotated keys or pages are no whole fragments");
  EXPECT_EQ(refused([](KernelFacts &f) { f.rowsBegin = 4; }),
            "queries do not begin at borders of 16 bytes");
  EXPECT_EQ(refused([](KernelFacts &f) { f.latent = 4096; }),
            "16 heads and two pieces of keys need 401536 bytes of shared memory, a block has "
            "166912");
}

/// On warp groups where rows of queries are whole products and a page is a box, of few tokens.
TEST(Families, AbsorbedAttentionOnWarpGroups) {
  KernelFacts facts;
  facts.maxRows = 16, facts.heads = 16, facts.keyParts = 128, facts.latent = 512, facts.rope = 64;
  facts.rowsBegin = 64, facts.rows = facts.cache = DType::BF16, facts.warpGroups = true;
  auto with = [&](std::string_view variant, auto change) {
    KernelFacts changed = facts;
    change(changed);
    return chooseConfig(Family::LatentAttention, variant, changed);
  };
  Configuration chosen = with(variantSm90a, [](KernelFacts &) {});
  EXPECT_EQ(GpuProduct(chosen.get("form")), GpuProduct::WgmmaTiles);
  EXPECT_EQ((std::array{chosen.get("heads"), chosen.get("tokens"), chosen.get("most_tokens")}),
            (std::array<int64_t, 3>{16, 4, 16}));
  EXPECT_EQ(chosen.tiles.times, 128);
  chosen = with(variantSm90a, [](KernelFacts &f) { f.heads = 100; });
  EXPECT_EQ((std::array{chosen.get("heads"), chosen.get("tokens")}),
            (std::array<int64_t, 2>{64, 1}));
  EXPECT_EQ(chosen.tiles.times, 2 * 128);
  auto refused = [&](std::string_view variant, auto change) {
    KernelFacts changed = facts;
    change(changed);
    for (const Configuration &config :
         enumerateConfigs(Family::LatentAttention, variant, changed)) {
      if (GpuProduct(config.get("form")) == GpuProduct::WgmmaTiles) {
        return config.legal ? std::string() : config.reason;
      }
    }
    return std::string("no such form");
  };
  EXPECT_EQ(refused(variantSm80, [](KernelFacts &) {}), "sm_80 has no warp groups");
  EXPECT_EQ(refused(variantSm90a, [](KernelFacts &f) { f.cache = DType::F16; }),
            "tensor cores would round queries or cache of f16 to bf16");
  for (auto change : {+[](KernelFacts &f) { f.latent = 256; }, +[](KernelFacts &f) { f.rope = 32; },
                      +[](KernelFacts &f) { f.pageTokens = 32; }}) {
    EXPECT_EQ(refused(variantSm90a, change),
              "two groups multiply 512 latents and whole boxes of rotated keys and of pages");
  }
  EXPECT_EQ(refused(variantSm90a, [](KernelFacts &f) { f.maxRows = 65; }),
            "each block would order 65 tokens by their keys, more than 64");
  EXPECT_EQ(refused(variantSm90a, [](KernelFacts &f) { f.rope = 128; }),
            "queries and two pages need 255060 bytes of shared memory, a block has 232448");
}

/// GPUs read weights as they are stored, CPUs in panels.
TEST(Families, LayoutsGoByTheVariantsName) {
  EXPECT_EQ(weightLayout(Family::Gemm, variantSm90a, DType::BF16, DType::F32), Layout());
  EXPECT_EQ(weightLayout(Family::Gemm, variantV3, DType::BF16, DType::F32).kind,
            LayoutKind::Panels);
  EXPECT_TRUE(isVariant("sm_80"));
  EXPECT_FALSE(isVariant("sm_70"));
}

/// Kernels that were made for other layouts or another ABI must not be run.
TEST(Families, HashCoversLayoutsAndAbi) {
  std::string table = familyTable();
  for (const std::string &line :
       {"layouts revision " + std::to_string(layoutRevision) + "\n",
        "kernel ABI revision " + std::to_string(kernelAbiRevision) + "\n"}) {
    EXPECT_NE(table.find(line), std::string::npos) << table;
  }
  EXPECT_EQ(familyTableHash(), hash128(table).hex());
}
