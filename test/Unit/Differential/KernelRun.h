//===- KernelRun.h - one kernel, interpreted and compiled -------*- C++ -*-===//
//
// What the differential tests run: makes inputs that a kern.def could get, runs its
// body on the reference interpreter and its code on this CPU, and says where they
// differ. Made from the IR: knows no model.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Kernel/Kernel.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Kernel.h"
#include "dsv3/Plan/Plan.h"
#include "dsv3/Reference/Tensor.h"

#include "mlir/IR/BuiltinOps.h"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace dsv3::differential {

/// Memory that ends where a page without access begins, so that reading or writing
/// one byte too far is a crash.
class GuardedBytes {
public:
  explicit GuardedBytes(size_t size);
  GuardedBytes(GuardedBytes &&other) noexcept;
  GuardedBytes &operator=(GuardedBytes &&) = delete;
  ~GuardedBytes();
  std::byte *data() const { return begin; }
  size_t size() const { return bytes; }

private:
  void *mapping = nullptr;
  size_t mapped = 0, bytes = 0;
  std::byte *begin = nullptr;
};

/// Inputs of a kern.def, by argument, as the interpreter holds them, and the latent
/// cache that it finds.
struct KernelInputs {
  std::vector<reference::Tensor> tensors; ///< an empty one for a cache
  std::map<std::string, int64_t> sizes;   ///< values of the named sizes
  /// Rows [requests][cached tokens][latent + rope].
  std::vector<std::vector<std::vector<double>>> cached;
  /// Entries of the page table that are wrong, by index.
  std::map<int64_t, int32_t> wrongPages;
};

/// A kernel without its names. Equal kernels of several models are compared once.
std::string meaningOf(kern::DefOp definition);

/// The most tokens that the kernel's entries admit; those of all entries that share it count.
int64_t mostTokensOf(kern::DefOp definition);

/// Random inputs for `tokens` tokens, the same for a name of a kernel every time. Indices are in
/// range and consistent.
KernelInputs makeInputs(kern::DefOp definition, int64_t tokens);

/// Results in order; behind them, for a kernel that appends to a cache, its rows. What was
/// not written is NaN or -1.
using KernelResults = std::vector<std::vector<double>>;

/// Whether all results are the same to the bit.
bool sameBits(const KernelResults &a, const KernelResults &b);

/// Runs the definition on the interpreter. Fails the test on a diagnostic.
KernelResults interpret(kern::DefOp definition, const KernelInputs &inputs);

/// What compiled code is given. Its results are read from the arguments, in which they are last.
struct KernelCall {
  std::vector<std::span<std::byte>> arguments;
  std::vector<int64_t> sizes;
  plan::TileCount tiles;
  int64_t scratchBytes;
};

/// Runs tiles of a call by code of this CPU.
class TileRun {
public:
  TileRun(plan::KernelFunction function, const KernelCall &call);
  uint32_t tiles() const;
  /// What the code returns for tiles [begin, end).
  int32_t operator()(uint32_t begin, uint32_t end) const;

private:
  plan::KernelFunction function;
  const KernelCall &call;
  std::vector<const void *> arguments;
  GuardedBytes scratch;
};

/// A kernel for a variant with weights that are packed once for all its runs.
class Execution {
public:
  /// The weights are those of `inputs`.
  Execution(kern::DefOp definition, std::string_view variant, const KernelInputs &inputs);

  /// Lays out what is no weight and has `call` run the code.
  KernelResults run(const KernelInputs &inputs, llvm::function_ref<void(const KernelCall &)> call);
  /// Runs code of this CPU. `order` deals the tiles out: 0 all at once, else one by one from
  /// the last to the first. Fails the test if the code returns something other than `expected`.
  KernelResults run(plan::KernelFunction function, const KernelInputs &inputs, int order,
                    plan::KernelError expected = plan::KernelError::None);

private:
  kern::DefOp definition;
  std::string_view variant;
  std::map<unsigned, GuardedBytes> packed; ///< by argument
  std::vector<GuardedBytes> rows;          ///< of a weight in place, of each group
};

/// One run on this CPU.
KernelResults execute(kern::DefOp definition, const plan::CpuVariant &variant,
                      plan::KernelFunction function, const KernelInputs &inputs, int order,
                      plan::KernelError expected = plan::KernelError::None);

/// What an object is told of its core: dsv3/Plan/Names.h.
struct CoreKind {
  bool asksFirstLevel, assistsSubnormals;
};
inline constexpr CoreKind coreKinds[] = {{true, true}, {true, false}, {false, false}};

/// Makes the object of a kernel one of such a core, where it has code for several.
void setCore(plan::KernelFunction function, const CoreKind &core);

/// Whether this CPU has the instructions of a variant.
bool runsHere(const plan::CpuVariant &variant);

/// Calls `body` with the code of each kernel of a configured module, for each variant that
/// this machine runs, until a fatal failure. It is one that this machine runs none.
void forEachKernel(
    mlir::ModuleOp module,
    llvm::function_ref<void(kern::DefOp, const plan::CpuVariant &, plan::KernelFunction)> body);

/// Compares what the code of each kernel of a configured module computes on this CPU with
/// what its body means to the interpreter, for each variant that this machine runs and
/// several numbers of tokens, `mostTokens` among them where a prompt's step admits it. Tiles are
/// dealt out in two ways, which must give the same bits.
void compareKernels(mlir::ModuleOp module, int64_t mostTokens = 0);

/// The same with every number of rows from one to `most`, of products: the first rows of one set,
/// whose bits do not depend on those behind them.
void compareEveryCount(mlir::ModuleOp module, int64_t most);

/// What `compareKernels` does, for one run of a kernel as it is configured for a variant. `what`
/// names it.
void compare(const std::string &what, kern::DefOp definition, llvm::StringRef variant,
             const KernelResults &expected, const KernelResults &found);

/// The same with the kernels' CUDA text on a simulated GPU, where every access is checked if
/// clang is here. For a module that is configured for the GPU `variant`, and `mostTokens` at the
/// most, being slow; with a seed in an order that it chooses, on as many multiprocessors.
void compareKernelsOnSim(mlir::ModuleOp module, const std::string &variant, int64_t mostTokens,
                         uint64_t seed = 0);

} // namespace dsv3::differential
