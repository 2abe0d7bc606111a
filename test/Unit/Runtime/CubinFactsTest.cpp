//===- CubinFactsTest.cpp - what the code of a GPU kernel shows -----------===//
//
// Kernels of one instruction each, compiled by NVRTC for every architecture that has it; and the
// rules for the code of kernels. Needs no GPU.
//
//===----------------------------------------------------------------------===//
#include "runtime/jit/KernelRules.h"
#include "runtime/jit/Nvrtc.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;

static void compileText(const std::string &architecture, const std::string &text,
                        CubinFacts &facts) {
  Expected<std::shared_ptr<const Nvrtc>> nvrtc = Nvrtc::load();
  ASSERT_TRUE(nvrtc) << nvrtc.failure().message();
  Expected<KernelCode> cubin = (*nvrtc)->compile(text, "k.cu", architecture);
  ASSERT_TRUE(cubin) << cubin.failure().message();
  Expected<CubinFacts> read = readCubinFacts(cubin->code, "k");
  ASSERT_TRUE(read) << read.failure().message();
  facts = *std::move(read);
  EXPECT_EQ(facts.function, "k");
}

/// `body` as a kernel of 128 threads, whose code is `facts`.
static void compile(const std::string &architecture, const std::string &body, CubinFacts &facts) {
  compileText(architecture,
              "extern \"C\" __global__ void __launch_bounds__(128, 1) k(\n"
              "    float *out, unsigned *in, unsigned long long word, int n) {\n"
              "  extern __shared__ float shared[];\n"
              "  unsigned place = unsigned(__cvta_generic_to_shared(shared));\n"
              "  float c[4] = {};\n" +
                  body + "  out[threadIdx.x] = c[0] + c[1] + c[2] + c[3] + place;\n}\n",
              facts);
  EXPECT_EQ(facts.threads, 128);
  EXPECT_GE(facts.registers, 4);
  EXPECT_LE(facts.registers, 255);
}

static constexpr const char *sums = "\"+f\"(c[0]), \"+f\"(c[1]), \"+f\"(c[2]), \"+f\"(c[3])";

static std::string mma(const std::string &shape, const std::string &type) {
  return "  asm volatile(\"mma.sync.aligned." + shape + ".row.col.f32." + type + "." + type +
         ".f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\" : " + sums +
         " : \"r\"(in[0]), \"r\"(in[1]), \"r\"(in[2]), \"r\"(in[3]), \"r\"(in[4]), "
         "\"r\"(in[5]));\n";
}

static std::string wgmma(const std::string &shape, const std::string &type,
                         const std::string &more) {
  return "  asm volatile(\"wgmma.fence.sync.aligned;\\n\"\n"
         "    \"wgmma.mma_async.sync.aligned." +
         shape + ".f32." + type + "." + type + " {%0,%1,%2,%3}, %4, %4, 1, 1, 1" + more +
         ";\\n\"\n    \"wgmma.commit_group.sync.aligned;\\n wgmma.wait_group.sync.aligned 0;\" : " +
         sums + " : \"l\"(word));\n";
}

/// With a in registers; b may be transposed.
static std::string wgmmaOfRegisters(const std::string &transposed) {
  return "  asm volatile(\"wgmma.fence.sync.aligned;\\n\"\n"
         "    \"wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0,%1,%2,%3}, {%5,%6,%7,%8}, "
         "%4, "
         "1, 1, 1, " +
         transposed +
         ";\\n\"\n    \"wgmma.commit_group.sync.aligned;\\n wgmma.wait_group.sync.aligned 0;\" : " +
         sums + " : \"l\"(word), \"r\"(in[0]), \"r\"(in[1]), \"r\"(in[2]), \"r\"(in[3]));\n";
}

TEST(CubinFacts, InstructionsOfTensorCoresAndCopies) {
  struct Case {
    std::vector<std::string> architectures;
    std::string body;
    Sass instruction;
  };
  const std::vector<std::string> all{"sm_80", "sm_90a", "sm_100a", "sm_120a"};
  const Case cases[] = {
      {all, mma("m16n8k16", "bf16"), Sass::HMMA},
      {{"sm_120a"}, mma("m16n8k32", "e4m3"), Sass::QMMA},
      {{"sm_90a"}, wgmma("m64n8k16", "bf16", ", 0, 0"), Sass::HGMMA},
      {{"sm_90a"}, wgmmaOfRegisters("0"), Sass::HGMMA},
      {{"sm_90a"}, wgmmaOfRegisters("1"), Sass::HGMMAT},
      {{"sm_90a"}, wgmma("m64n8k32", "e4m3", ""), Sass::QGMMA},
      {{"sm_90a"}, "  asm volatile(\"setmaxnreg.inc.sync.aligned.u32 232;\");\n", Sass::USETMAXREG},
      {all,
       "  unsigned f[4];\n"
       "  asm volatile(\"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\"\n"
       "    : \"=r\"(f[0]), \"=r\"(f[1]), \"=r\"(f[2]), \"=r\"(f[3]) : \"r\"(place));\n"
       "  c[0] = f[0] + f[1] + f[2] + f[3];\n",
       Sass::LDSM},
      {all,
       "  asm volatile(\"cp.async.cg.shared.global [%0], [%1], 16;\" :: \"r\"(place), \"l\"(in));\n"
       "  asm volatile(\"cp.async.wait_all;\");\n",
       Sass::LDGSTS},
      {{"sm_90a", "sm_100a"},
       "  asm "
       "volatile(\"cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes \"\n"
       "    \"[%0], [%1, {%2, %2}], [%0];\" :: \"r\"(place), \"l\"(word), \"r\"(n) : "
       "\"memory\");\n",
       Sass::UTMALDG},
      {{"sm_90a", "sm_100a"},
       "  asm volatile(\"cp.async.bulk.tensor.2d.global.shared::cta.bulk_group \"\n"
       "    \"[%1, {%2, %2}], [%0];\" :: \"r\"(place), \"l\"(word), \"r\"(n) : \"memory\");\n",
       Sass::UTMASTG},
  };
  for (const Case &one : cases) {
    for (const std::string &architecture : one.architectures) {
      SCOPED_TRACE(architecture + " " + std::string(name(one.instruction)));
      CubinFacts plain, facts;
      compile(architecture, "", plain);
      compile(architecture, one.body, facts);
      EXPECT_EQ(plain.count(one.instruction), 0);
      EXPECT_GT(facts.count(one.instruction), 0);
      EXPECT_EQ(facts.localBytes, 0);
    }
  }
}

TEST(CubinFacts, AnArrayThatIsIndexedIsLocalMemory) {
  for (const plan::GpuVariant &variant : plan::gpuVariants()) {
    CubinFacts facts;
    compile(std::string(variant.name),
            "  float x[64];\n  for (int i = 0; i < n; ++i) { x[i * 7 & 63] = out[i]; }\n"
            "  c[0] = x[n & 63];\n",
            facts);
    EXPECT_GE(facts.localBytes, 256) << variant.name;
    EXPECT_GT(facts.count(Sass::STL), 0) << variant.name;
    EXPECT_GT(facts.count(Sass::LDL), 0) << variant.name;
  }
}

/// Of the device headers: two codes are widened by one instruction from sm_89 on.
TEST(CubinFacts, CodesAreWidenedInPairs) {
  for (const plan::GpuVariant &variant : plan::gpuVariants()) {
    CubinFacts facts;
    compileText(std::string(variant.name),
                "#include \"runtime/kernels/cuda/ptx/vector.cuh\"\n"
                "using namespace dsv3::gpu;\n"
                "extern \"C\" __global__ void k(const e4m3 *codes, float *out) {\n"
                "  toFloats(loadVector<16>(codes), out);\n}\n",
                facts);
    EXPECT_EQ(facts.count(Sass::F2FP), variant.hasFp8() ? 8 : 0) << variant.name;
  }
}

// Of the same instructions: one load before the wait, none.
TEST(CubinFacts, WhatIsTouchedBeforeEarlierLaunchesHaveEnded) {
  const std::string wait = "  asm volatile(\"griddepcontrol.wait;\" ::: \"memory\");\n";
  const std::string load =
      "  asm volatile(\"ld.global.f32 %0, [%1];\" : \"=f\"(c[0]) : \"l\"(in));\n";
  for (const char *architecture : {"sm_90a", "sm_100a", "sm_120a"}) {
    CubinFacts early, late;
    compile(architecture, load + wait, early);
    compile(architecture, wait + load, late);
    EXPECT_EQ(early.count(Sass::ACQBULK), 1) << architecture;
    EXPECT_EQ(early.count(Sass::LDG), 1) << architecture;
    EXPECT_EQ(late.count(Sass::STG), 1) << architecture;
    EXPECT_EQ(early.beforeWait, 1) << architecture;
    EXPECT_EQ(late.beforeWait, 0) << architecture;
  }
}

TEST(CubinFacts, WhatLiesInALoop) {
  const std::string once = mma("m16n8k16", "bf16");
  const std::string loop =
      fmt::format("#pragma unroll 1\n  for (int i = 0; i < n; ++i) {{\n{}  }}\n", once);
  for (const plan::GpuVariant &variant : plan::gpuVariants()) {
    SCOPED_TRACE(variant.name);
    CubinFacts straight, looped, both;
    compile(std::string(variant.name), once, straight);
    compile(std::string(variant.name), loop, looped);
    compile(std::string(variant.name), fmt::format("{0}{1}  if (n > 7) {{\n{0}  }}\n", once, loop),
            both);
    EXPECT_EQ(straight.count(Sass::HMMA), 1);
    EXPECT_EQ(straight.countInLoops(Sass::HMMA), 0);
    EXPECT_EQ(looped.count(Sass::HMMA), 1);
    EXPECT_EQ(looped.countInLoops(Sass::HMMA), 1);
    EXPECT_EQ(both.count(Sass::HMMA), 3);
    EXPECT_EQ(both.countInLoops(Sass::HMMA), 1);
    EXPECT_EQ(both.countInLoops(Sass::STG), 0);
  }
}

TEST(CubinFacts, WhatIsNoCubinIsSaid) {
  for (const std::string &bytes : {std::string(),
                                   std::string("\x7f"
                                               "ELF"),
                                   std::string(4096, '\0'), std::string("no cubin at all")}) {
    Expected<CubinFacts> facts = readCubinFacts(bytes, "k");
    ASSERT_FALSE(facts);
    EXPECT_EQ(facts.failure().what,
              "expected a cubin with one kernel, found no ELF file for NVIDIA GPUs");
    EXPECT_EQ(facts.failure().where, "k");
  }
}

namespace {
/// A sound product for sm_90a, from which each test departs.
struct Product {
  plan::KernelText text{"a.b", "  Launch launch{mark, number};\n  gemmMma<1, 16, 1>(launch);\n"};
  PlannedKernel planned{plan::Family::Gemm, 73728};
  CubinFacts facts{"a_b", 128, 0, 1024, 256, {}, {}};
  std::string log;

  Product() {
    for (Sass instruction : {Sass::HMMA, Sass::LDSM, Sass::LDGSTS}) {
      facts.instructions[size_t(instruction)] = facts.inLoops[size_t(instruction)] = 8;
    }
  }
  std::vector<std::string> faults() const {
    return kernelFaults(text, planned, *plan::findGpuVariant("sm_90a"), facts, log);
  }
};
} // namespace

using Faults = std::vector<std::string>;

TEST(KernelRules, ASoundKernelHasNoFault) { EXPECT_EQ(Product().faults(), Faults()); }

TEST(KernelRules, TensorCoresMustBeUsedByTheFormsThatAreMadeOfThem) {
  Product product;
  product.facts.inLoops[size_t(Sass::HMMA)] = 0;
  EXPECT_EQ(product.faults(),
            Faults{"no instruction HMMA or QMMA in a loop, of which gemmMma is made"});
  product.facts.instructions[size_t(Sass::HMMA)] = 16; // of a loop that is unrolled
  EXPECT_EQ(product.faults(), Faults());
  product.facts.instructions[size_t(Sass::HMMA)] = 0;
  EXPECT_EQ(product.faults(), Faults{"no instruction HMMA or QMMA, of which gemmMma is made"});
  product.text.text = "  gemmTiles<1, 16, 1>(launch);\n";
  EXPECT_EQ(product.faults(), Faults());
}

TEST(KernelRules, WhatACompilerComplainsOf) {
  Product product;
  product.log = "ptxas info    : 0 bytes gmem\n"
                "ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' ignored\n\n"
                "k.cu(7): warning #177-D: variable \"x\" was never used\n"
                "k.cu(9): warning #177-D: variable \"x\" was never used";
  EXPECT_EQ(product.faults(),
            (Faults{"NVRTC says: ptxas info    : (C7508) Potential Performance Loss: "
                    "'setmaxnreg' ignored",
                    "NVRTC says: k.cu(7): warning #177-D: variable \"x\" was never used (2 such "
                    "sentences)"}));
  product.log = "\n";
  EXPECT_EQ(product.faults(), Faults());
}

TEST(KernelRules, WarpGroupsMultiplyByInstructionsOfTheirOwn) {
  Product product;
  product.text.text = "\n  gemmWgmma<1, 16, 1>(launch);\n";
  for (Sass instruction : {Sass::UTMALDG, Sass::USETMAXREG}) {
    product.facts.instructions[size_t(instruction)] = 1;
  }
  EXPECT_EQ(product.faults(), Faults{"no instruction HGMMA or QGMMA, of which gemmWgmma is made"});
  for (Sass instruction : {Sass::HGMMA, Sass::QGMMA}) {
    Product one = product;
    one.facts.instructions[size_t(instruction)] = one.facts.inLoops[size_t(instruction)] = 4;
    EXPECT_EQ(one.faults(), Faults());
  }
}

TEST(KernelRules, RowsAreStoredByTensorStoresWhereTheTextAsksForThem) {
  Product product;
  product.text.text +=
      "    weight, T, Epilogue{}, boxedRows(Rows<bf16, 0, 64, 64>{out}, &outMap));\n";
  EXPECT_EQ(product.faults(), Faults{"no instruction UTMASTG, of which stores of boxes are made"});
  product.facts.instructions[size_t(Sass::UTMASTG)] = 2;
  EXPECT_EQ(product.faults(), Faults());
}

TEST(KernelRules, LoopsOfProductsAndAttentionKeepOutOfLocalMemory) {
  Product product;
  product.facts.localBytes = 24;
  product.facts.instructions[size_t(Sass::LDL)] = 3;
  EXPECT_EQ(product.faults(), Faults{"24 bytes of local memory, 3 accesses"});
  product.planned.family = plan::Family::Router;
  product.facts.registers = 40;
  EXPECT_EQ(product.faults(), Faults());
}

TEST(KernelRules, OneValueMayWaitInLocalMemory) {
  Product product;
  product.facts.localBytes = 8;
  product.facts.instructions[size_t(Sass::STL)] = 1;
  product.facts.instructions[size_t(Sass::LDL)] = 2;
  EXPECT_EQ(product.faults(), Faults());
  product.facts.instructions[size_t(Sass::LDL)] = 3;
  EXPECT_EQ(product.faults(), Faults{"8 bytes of local memory, 4 accesses"});
}

TEST(KernelRules, AKernelThatMayBeginEarlyWaitsBeforeItTouchesMemory) {
  Product product;
  product.text.text = "\n" + std::string(plan::dependentLine) + "(mark, number);\n";
  EXPECT_EQ(product.faults(), Faults{"no instruction ACQBULK, which waits for earlier launches"});
  product.facts.instructions[size_t(Sass::ACQBULK)] = 1;
  EXPECT_EQ(product.faults(), Faults());
  product.facts.beforeWait = 2;
  EXPECT_EQ(product.faults(),
            Faults{"2 accesses to global memory before earlier launches are waited for"});
}

TEST(KernelRules, RegistersAreThoseOfAMultiprocessor) {
  Product product;
  product.planned.family = plan::Family::GroupedGemm;
  product.facts.threads = 384;
  product.facts.registers = 176;
  EXPECT_EQ(product.faults(),
            Faults{"176 registers for each of 384 threads, a multiprocessor has 65536"});
  // With setmaxnreg not all threads have so many.
  product.facts.instructions[size_t(Sass::USETMAXREG)] = 2;
  EXPECT_EQ(product.faults(), Faults());
}

TEST(KernelRules, RegistersBeyondTheFamilysBudget) {
  Product product;
  product.planned.family = plan::Family::Router;
  product.facts.registers = 136;
  EXPECT_EQ(product.faults(), Faults{"136 registers, the budget of router is 64"});
}

// On tensor cores alone its loops hold sums.
TEST(KernelRules, AbsorbedAttentionHasTheBudgetOfItsForm) {
  Product product;
  product.planned.family = plan::Family::LatentAttention;
  product.facts.registers = 136;
  product.text.text = "\n  latentAttention<8, 16, 4, 256>(launch);\n";
  EXPECT_EQ(product.faults(), Faults{"136 registers, the budget of latent_attention is 128"});
  product.text.text = "\n  latentAttentionMma<16, 64, 2, 16, 4, 256>(launch);\n";
  EXPECT_EQ(product.faults(), Faults());
}

// Warp groups bring pages without tensor copies.
TEST(KernelRules, AbsorbedAttentionOfWarpGroupsHasItsInstructions) {
  Product product;
  product.planned.family = plan::Family::LatentAttention;
  product.text.text = "\n  latentAttentionWgmma<16, 4, 16, 16, 64>(launch);\n";
  product.facts.instructions = {};
  EXPECT_EQ(product.faults(),
            (Faults{"no instruction HGMMA or QGMMA, of which latentAttentionWgmma is made",
                    "no instruction LDGSTS, of which latentAttentionWgmma is made",
                    "no instruction USETMAXREG, of which latentAttentionWgmma is made",
                    "no instruction HGMMA.tnspB, of which latentAttentionWgmma is made"}));
}

TEST(KernelRules, SharedMemoryIsDynamicAndFits) {
  Product product;
  product.facts.sharedBytes += 64;
  EXPECT_EQ(product.faults(), Faults{"64 bytes of static shared memory, there is to be none"});
  product = Product();
  product.planned.sharedBytes = 232449;
  EXPECT_EQ(product.faults(), Faults{"232449 bytes of shared memory, a block has 232448"});
}

TEST(KernelRules, TheFunctionIsNamedAsTheDriverLooksForIt) {
  Product product;
  product.facts.function = "other";
  EXPECT_EQ(product.faults(), Faults{"a function 'other', expected 'a_b'"});
}
