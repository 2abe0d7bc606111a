//===- Compare.cpp - compiled kernels against the interpreter -------------===//
#include "KernelRun.h"

#include "dsv3/Plan/Names.h"
#include "dsv3/Target/Cpu.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/TypeSwitch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <unistd.h>
#include <utility>

using namespace mlir;

namespace dsv3::differential {

bool runsHere(const plan::CpuVariant &variant) {
  __builtin_cpu_init();
  if (variant.name == "x86-64-v3") {
    return __builtin_cpu_supports("x86-64-v3");
  }
  bool has = variant.dots == DType::I8     ? __builtin_cpu_supports("avx512vnni")
             : variant.dots == DType::BF16 ? __builtin_cpu_supports("avx512bf16")
                                           : true;
  return has && __builtin_cpu_supports("x86-64-v4");
}

namespace {

/// The code of all kernels of a module, loaded. The file stays until it is unloaded: the
/// loader takes files of equal inode for the same.
class Loaded {
public:
  Loaded(ModuleOp module, const plan::CpuVariant &variant)
      : path(testing::TempDir() + "/differential." + std::to_string(getpid()) + "." +
             std::string(variant.name) + ".so") {
    OwningOpRef<ModuleOp> code = cpu::emitKernels(module, variant);
    EXPECT_TRUE(code);
    Expected<cpu::ObjectCompiler> compiler = cpu::lowerKernels(std::move(code), variant);
    Expected<std::string> object = compiler ? (*compiler)(nullptr) : compiler.failure();
    EXPECT_TRUE(object.ok()) << object.failure().message();
    Expected<std::string> linked = cpu::linkSharedObject(*object);
    EXPECT_TRUE(linked.ok()) << linked.failure().message();
    std::ofstream(path, std::ios::binary) << *linked;
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

/// Relative, by how much two neighbours in the cache that the kernel appends to differ; 0 where
/// sums in f32 differ by more.
static double cacheStep(kern::DefOp definition) {
  auto append = dyn_cast<kern::RopeAppendOp>(definition.getCore());
  Type element = append ? append.getCache().getType().getElementType() : Type();
  return !append || element.isF32() ? 0 : element.isBF16() ? 0x1p-7 : 0x1p-10;
}

/// By how much a result, the `index`th, may be off besides what sums in f32 differ by, being
/// rounded: what is about in the middle of two numbers or codes may be either. Relative, and
/// absolute.
struct RoundingStep {
  double relative = 0, absolute = 0;
};
static RoundingStep roundingStep(kern::DefOp definition, size_t index) {
  auto results = definition.getDestinations();
  auto elementOf = [&](size_t i) {
    return cast<RankedTensorType>(results[i].getType()).getElementType();
  };
  constexpr RoundingStep bf16{0x1p-7, 0};
  if (index == results.size()) {
    return {cacheStep(definition), 0};
  }
  if (elementOf(index).isInteger(8)) {
    return {0, 1};
  }
  if (isa<Float8E4M3FNType>(elementOf(index))) {
    return {0x1p-3, 0x1p-9};
  }
  // Scales are of the largest of values that have been rounded to bf16.
  bool ofCodes = index > 0 && isa<Float8E4M3FNType>(elementOf(index - 1));
  return elementOf(index).isBF16() || ofCodes ? bf16 : RoundingStep();
}

/// Whether a result, the `index`th, is of indices, which are right or wrong.
static bool isOfIndices(kern::DefOp definition, size_t index) {
  auto results = definition.getDestinations();
  return index < results.size() &&
         cast<RankedTensorType>(results[index].getType()).getElementType().isInteger(32);
}

/// How often a core's regions round to bf16 what depends on its sums.
static int roundingsOfSums(Operation *core) {
  Region *ofOperands = TypeSwitch<Operation *, Region *>(core)
                           .Case<kern::GemmOp, kern::GroupedGemmOp, kern::ExpandedAttentionOp>(
                               [](auto op) { return &op.getPrologue(); })
                           .Default([](Operation *) { return nullptr; });
  int roundings = 0;
  for (Region &region : core->getRegions()) {
    if (&region != ofOperands) {
      region.walk([&](arith::TruncFOp op) { roundings += op.getType().isBF16() ? 1 : 0; });
    }
  }
  return roundings;
}

/// By how much a kernel is off that rounds on its way where the body does not, relative to the
/// largest of the result; 0 where it does not.
static double roundingOnItsWay(kern::DefOp definition, StringRef variant) {
  auto form = definition.getConfig(variant).getAs<IntegerAttr>("form");
  auto isForm = [&](plan::GpuProduct one) {
    return form && form.getInt() == static_cast<int64_t>(one);
  };
  // Attention on tensor cores rounds keys, values and weights to bf16. Each rounding is 2^-9 at the
  // most: about that much in all.
  if (isa<kern::ExpandedAttentionOp>(definition.getCore()) && isForm(plan::GpuProduct::MmaTiles)) {
    return 0x1p-7;
  }
  // Absorbed attention on tensor cores rounds the weights alone, as that of expanded keys does.
  if ((isa<kern::LatentAttentionOp>(definition.getCore()) &&
       (isForm(plan::GpuProduct::MmaTiles) || isForm(plan::GpuProduct::WgmmaTiles))) ||
      isa<kern::PrefillAttentionOp>(definition.getCore())) {
    return 0x1p-8;
  }
  // A sum that is rounded to bf16 before others are added to it may leave little, whose last bits
  // are those of the sum; a factor that is the neighbour of another moves what is rounded next.
  auto result = cast<RankedTensorType>(definition.getDestinations().front().getType());
  if (result.getElementType().isBF16() && roundingsOfSums(definition.getCore()) > 1) {
    return 0x1p-7;
  }
  // Warp groups keep 14 bits of sums of 128 products of codes. They cut off, up or down as often,
  // 132 times by half of 2^-13 in the mean: by the square root of that.
  bool ofCodes = llvm::any_of(definition.getCore()->getOperands(), [](Value operand) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    return type && isa<Float8E4M3FNType>(type.getElementType());
  });
  bool ofWarpGroups = isForm(plan::GpuProduct::WgmmaTiles) || isForm(plan::GpuProduct::WgmmaPairs);
  return ofWarpGroups && ofCodes ? 1e-3 : 0;
}

/// Differences over what there is, both as roots of mean squares.
static double relativeError(const std::vector<double> &expected, const std::vector<double> &found) {
  double errors = 0, all = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (std::isfinite(expected[i])) {
      errors += (expected[i] - found[i]) * (expected[i] - found[i]);
      all += expected[i] * expected[i];
    }
  }
  return std::sqrt(errors / std::max(all, 1e-30));
}

void compare(const std::string &what, kern::DefOp definition, StringRef variant,
             const KernelResults &expected, const KernelResults &found) {
  ASSERT_EQ(expected.size(), found.size()) << what;
  for (size_t r = 0; r < expected.size(); ++r) {
    // Sums in f32 against sums in f64, relative to the largest of the result.
    double largest = 1e-3;
    for (double value : expected[r]) {
      largest = std::isfinite(value) ? std::max(largest, std::fabs(value)) : largest;
    }
    ASSERT_EQ(expected[r].size(), found[r].size()) << what << ", result " << r;
    if (isOfIndices(definition, r)) {
      ASSERT_EQ(expected[r], found[r]) << what << ", result " << r;
      continue;
    }
    RoundingStep step = roundingStep(definition, r);
    double rounding = roundingOnItsWay(definition, variant);
    if (rounding > 0 && step.absolute == 0) { // codes may be the neighbours of others
      ASSERT_LT(relativeError(expected[r], found[r]), 0x1p-7) << what << ", result " << r;
    }
    for (size_t i = 0; i < expected[r].size(); ++i) {
      double wanted = expected[r][i], seen = found[r][i];
      double allowed =
          (2e-5 + rounding) * largest + step.relative * std::fabs(wanted) + step.absolute;
      bool alike =
          std::isfinite(wanted) ? std::fabs(wanted - seen) <= allowed : !std::isfinite(seen);
      ASSERT_TRUE(alike) << what << ", result " << r << ", element " << i << " of "
                         << expected[r].size() << ": expected " << wanted << ", found " << seen;
    }
  }
}

bool sameBits(const KernelResults &a, const KernelResults &b) {
  return llvm::equal(a, b, [](const std::vector<double> &one, const std::vector<double> &other) {
    return one.size() == other.size() &&
           std::memcmp(one.data(), other.data(), one.size() * sizeof(double)) == 0;
  });
}

/// Numbers of tokens to try: of products those that meet a panel as it is read and those that
/// meet it in blocks, on every variant; the most that the kernel may get, up to `most`.
static std::vector<int64_t> tokenCounts(kern::DefOp definition, int64_t most) {
  int64_t admitted = mostTokensOf(definition);
  std::vector<int64_t> counts;
  for (int64_t count : {1, 2, 3, 7, 13, 19}) {
    if (count < admitted) {
      counts.push_back(count);
    }
  }
  int64_t last = std::min(admitted, std::max<int64_t>(most, 19));
  if (counts.empty() || last > counts.back()) {
    counts.push_back(last);
  }
  return counts;
}

/// The inputs of the first `count` of all tokens. Of a kernel whose rows are its tokens in order.
static KernelInputs firstTokens(kern::DefOp definition, const KernelInputs &inputs, int64_t count) {
  KernelInputs first = inputs;
  int64_t all = 1;
  for (auto &[name, size] : first.sizes) {
    all = std::exchange(size, count);
  }
  for (auto [tensor, input] : llvm::zip_equal(first.tensors, definition.getInputs())) {
    auto ranked = dyn_cast<RankedTensorType>(input.getType());
    if (!ranked || ranked.getRank() == 0 || !ranked.isDynamicDim(0)) {
      continue;
    }
    std::vector<int64_t> shape = tensor.shape();
    shape[0] = shape[0] * count / all;
    reference::Tensor part(shape);
    std::copy_n(tensor.data(), part.size(), part.data());
    tensor = part;
  }
  return first;
}

/// What the body of a kernel means for some tokens.
struct Meaning {
  int64_t tokens;
  KernelInputs inputs;
  KernelResults expected;
};

/// What a product gives a row depends on that row alone, what attention gives a token on that and
/// the cache.
static bool hasRowsAlone(kern::DefOp definition) {
  llvm::StringRef family = definition.getFamily().value_or("");
  return family == "gemm" || family == "latent_attention" || family == "expanded_attention";
}

/// For numbers of tokens to try, the most first. Where rows are alone fewer tokens are the first of
/// them, with the same weights.
static std::vector<Meaning> meaningsOf(kern::DefOp definition, int64_t mostTokens) {
  std::vector<Meaning> meanings;
  std::vector<int64_t> counts = tokenCounts(definition, mostTokens);
  for (int64_t tokens : llvm::reverse(counts)) {
    if (meanings.empty() || !hasRowsAlone(definition)) {
      KernelInputs inputs = makeInputs(definition, tokens);
      KernelResults expected = interpret(definition, inputs);
      meanings.push_back({tokens, std::move(inputs), std::move(expected)});
      continue;
    }
    const Meaning &all = meanings.front();
    KernelResults expected = all.expected;
    for (std::vector<double> &result : expected) {
      result.resize(result.size() / static_cast<size_t>(all.tokens) * static_cast<size_t>(tokens));
    }
    meanings.push_back({tokens, firstTokens(definition, all.inputs, tokens), std::move(expected)});
  }
  return meanings;
}

/// Whether results are those of the first tokens of all, to the bit.
static bool sameFirstBits(const KernelResults &first, KernelResults all) {
  for (auto [one, other] : llvm::zip_equal(first, all)) {
    other.resize(std::min(one.size(), other.size()));
  }
  return sameBits(first, all);
}

namespace {

/// A kernel's code for a variant.
struct VariantCode {
  const plan::CpuVariant *variant;
  plan::KernelFunction function;
};

/// The code of a configured module for each variant that this machine runs.
class LoadedVariants {
public:
  explicit LoadedVariants(ModuleOp module);
  std::vector<VariantCode> find(kern::DefOp definition) const {
    std::vector<VariantCode> found;
    found.reserve(codes.size());
    for (const auto &[variant, code] : codes) {
      found.push_back({variant, code->find(definition.getSymName().str())});
    }
    return found;
  }

private:
  std::vector<std::pair<const plan::CpuVariant *, std::unique_ptr<Loaded>>> codes;
};

} // namespace

LoadedVariants::LoadedVariants(ModuleOp module) {
  SmallVector<kern::DefOp> definitions(module.getOps<kern::DefOp>());
  for (const plan::CpuVariant &variant : plan::cpuVariants()) {
    bool configured = llvm::all_of(definitions, [&](kern::DefOp definition) {
      return definition.getConfig(variant.name) != nullptr;
    });
    if (configured && runsHere(variant)) { // VariantTest says of which that is not so
      codes.emplace_back(&variant, std::make_unique<Loaded>(module, variant));
    }
  }
  EXPECT_TRUE(definitions.empty() || !codes.empty())
      << "this CPU runs no variant, so no kernel is compared";
}

void forEachKernel(
    ModuleOp module,
    llvm::function_ref<void(kern::DefOp, const plan::CpuVariant &, plan::KernelFunction)> body) {
  LoadedVariants loaded(module);
  for (kern::DefOp definition : SmallVector<kern::DefOp>(module.getOps<kern::DefOp>())) {
    for (const VariantCode &code : loaded.find(definition)) {
      ASSERT_NE(code.function, nullptr) << definition.getSymName().str();
      ASSERT_NO_FATAL_FAILURE(body(definition, *code.variant, code.function));
    }
  }
}

void compareEveryCount(ModuleOp module, int64_t most) {
  forEachKernel(module, [&](kern::DefOp definition, const plan::CpuVariant &variant,
                            plan::KernelFunction function) {
    KernelInputs all = makeInputs(definition, most);
    KernelResults together = execute(definition, variant, function, all, 0);
    for (int64_t rows = 1; rows <= most; ++rows) {
      KernelInputs inputs = firstTokens(definition, all, rows);
      std::string what = std::string(variant.name) + ", " + std::to_string(rows) + " rows";
      KernelResults found = execute(definition, variant, function, inputs, 0);
      compare(what, definition, variant.name, interpret(definition, inputs), found);
      EXPECT_TRUE(rows == 1 || sameFirstBits(found, together)) << what << " alone give other bits";
    }
  });
}

std::string meaningOf(kern::DefOp definition) {
  OwningOpRef<kern::DefOp> copy = definition.clone();
  copy->setSymName("kernel");
  copy->setKind("");
  copy->removeMaximaAttr();
  std::string text;
  llvm::raw_string_ostream stream(text);
  copy->print(stream, OpPrintingFlags().enableDebugInfo(false));
  return text;
}

void setCore(plan::KernelFunction function, const CoreKind &core) {
  Dl_info object;
  ASSERT_NE(dladdr(reinterpret_cast<void *>(function), &object), 0);
  void *handle = dlopen(object.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(handle, nullptr) << dlerror();
  auto tell = [&](std::string_view symbol, bool value) {
    if (void *number = dlsym(handle, std::string(symbol).c_str())) {
      *static_cast<int32_t *>(number) = value ? 1 : 0;
    }
  };
  tell(plan::asksFirstLevelSymbol, core.asksFirstLevel);
  tell(plan::assistsSubnormalsSymbol, core.assistsSubnormals);
  dlclose(handle);
}

/// Compares the code of a kernel for a variant with what its body means.
static void compareCode(kern::DefOp definition, const VariantCode &code,
                        const std::vector<Meaning> &meanings) {
  KernelResults ofAll;
  std::optional<Execution> execution;
  for (const Meaning &meaning : meanings) {
    if (!execution || !hasRowsAlone(definition)) {
      execution.emplace(definition, code.variant->name, meaning.inputs);
    }
    std::string what = std::string(code.variant->name) + " " + definition.getSymName().str() +
                       ", " + std::to_string(meaning.tokens) + " tokens";
    setCore(code.function, coreKinds[0]);
    KernelResults found = execution->run(code.function, meaning.inputs, 0);
    ASSERT_NO_FATAL_FAILURE(compare(what, definition, code.variant->name, meaning.expected, found));
    KernelResults again = execution->run(code.function, meaning.inputs, 1);
    EXPECT_TRUE(sameBits(found, again)) << what << ": the order of tiles changes the result";
    for (const CoreKind &core : llvm::ArrayRef(coreKinds).drop_front()) {
      setCore(code.function, core);
      again = execution->run(code.function, meaning.inputs, 0);
      EXPECT_TRUE(sameBits(found, again)) << what << ": the kind of core changes the result";
    }
    if (ofAll.empty()) {
      ofAll = std::move(found);
    } else if (hasRowsAlone(definition)) {
      EXPECT_TRUE(sameFirstBits(found, ofAll)) << what << " alone give other bits";
    }
  }
}

void compareKernels(ModuleOp module, int64_t mostTokens) {
  LoadedVariants loaded(module);
  for (kern::DefOp definition : SmallVector<kern::DefOp>(module.getOps<kern::DefOp>())) {
    std::vector<Meaning> meanings = meaningsOf(definition, mostTokens);
    for (const VariantCode &code : loaded.find(definition)) {
      ASSERT_NE(code.function, nullptr) << definition.getSymName().str();
      ASSERT_NO_FATAL_FAILURE(compareCode(definition, code, meanings));
    }
  }
}

} // namespace dsv3::differential
