//===- Plan.h - what the compiler tells the runtime -------------*- C++ -*-===//
//
// A plan says everything that the runtime must do to run a model on one rank:
// which parameters to read and how to lay them out, which kernels there are,
// how large arena and cache are, and the straight programs (entry points) that
// are run. The compiler writes it, the runtime obeys it; neither knows the
// other. The binary form is in PlanFile.h; the textual form is the plan dialect.
//
// Standard library only. Plain data: owned by value, immutable once read,
// shareable between threads.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/DType.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace dsv3::plan {

/// A run-time size that the host knows before a step: tokens of the step (T) or
/// rows of the output (O). Kernels receive the values in the order of their own
/// list of sizes.
struct Size {
  std::string name;
  bool operator==(const Size &) const = default;
};

/// One tensor of the checkpoint, or a part of its rows, as part of a parameter.
/// Let F be the tensor stored under `key`, of shape [rows, columns]. Then
/// W[group, row, column] of the parameter is
///   F[group * groupStride + firstRow + row, column]       if not transposed,
///   F[group * groupStride + firstRow + column, row]       if transposed.
/// `{layer}` in a key stands for the layer, `{expert}` for the group (then each
/// group has a tensor of its own and groupStride is 0).
/// With a scale key, F is e4m3 and its value is code × scale[r / 128, c / 128]
/// with the block size of the checkpoint, r and c being coordinates of F.
struct Segment {
  std::string key;
  std::string scaleKey;    ///< empty if the tensor is not block-scaled
  int64_t fileRows = 0;    ///< shape of F, checked when loading
  int64_t fileColumns = 0; ///< 0: F has one dimension, of fileRows elements
  int64_t groupStride = 0;
  int64_t firstRow = 0;
  int64_t rows = 0; ///< rows of the parameter, per group, that this segment gives
  bool transposed = false;
  bool operator==(const Segment &) const = default;
};

/// How a parameter lies in memory for one variant (Layout.h gives the formulas).
enum class LayoutKind : uint8_t { RowMajor, Panels, Dots, InPlace };
struct Layout {
  LayoutKind kind = LayoutKind::RowMajor;
  int64_t panelWidth = 0; ///< columns of a panel (rows of the weight), but for RowMajor
  bool operator==(const Layout &) const = default;
};

/// A weight [groups, rows, columns]. With block scales there is a second tensor
/// [groups, ceil(rows / scaleRows), ceil(columns / scaleColumns)] of what scaleForm
/// says; every block of it lies within one block of the stored tensor: of the
/// checkpoint's, or of those that it is encoded in (dsv3/Support/WeightEncoding.h).
struct Parameter {
  std::string name;
  DType type = DType::F32; ///< in memory
  /// Of the checkpoint's tensors, where that is another: they are encoded when packed.
  std::optional<DType> stored = std::nullopt;
  int64_t groups = 1;
  int64_t rows = 1;
  int64_t columns = 1;
  int64_t scaleRows = 0; ///< 0: no scales
  int64_t scaleColumns = 0;
  /// Rows of the weight come in this many equal parts that a kernel reads side
  /// by side (gate and up: 2). Panels are built per part.
  int64_t parts = 1;
  std::vector<Segment> segments;
  /// The layers that have this parameter, ascending; empty: one for the model.
  std::vector<int64_t> layers;
  std::vector<Layout> layouts; ///< one per variant of the plan
  bool operator==(const Parameter &) const = default;

  DType storedType() const { return stored.value_or(type); }
};

/// times × ceil(sizes[size] × factor / divisor) + plus; with size < 0: plus.
struct TileCount {
  int32_t size = -1; ///< index into the kernel's own list of sizes
  int64_t factor = 1;
  int64_t divisor = 1;
  int64_t times = 1;
  int64_t plus = 0;
  bool operator==(const TileCount &) const = default;

  int64_t evaluate(const int64_t *sizes) const {
    return size < 0 ? plus : times * ((sizes[size] * factor + divisor - 1) / divisor) + plus;
  }
};

/// What differs between the variants of a kernel.
struct KernelVariant {
  TileCount tiles;          ///< of a GPU: blocks
  int64_t scratchBytes = 0; ///< per thread; of a GPU: shared memory per block
  bool operator==(const KernelVariant &) const = default;
};

/// A kernel: a symbol of each variant's object, with the ABI of Kernel.h in a shared object and
/// that of GpuKernel.h in a text for GPUs.
struct Kernel {
  std::string symbol;
  std::string family;
  std::vector<int32_t> sizes; ///< indices into Plan::sizes
  std::vector<KernelVariant> variants;
  bool operator==(const Kernel &) const = default;
};

/// Where an argument's bytes are.
enum class ArgKind : uint8_t {
  Arena,     ///< at byte offset `offset` of the entry's arena
  Formal,    ///< argument `index` of the body that is being called
  Parameter, ///< data of parameter `index`, of the current layer if it has layers
  Scales,    ///< scales of parameter `index`, likewise
  Input,     ///< input `index` of the entry
  Output,    ///< output `index` of the entry
  Cache,     ///< the current layer's pages of the latent cache
  PageTable, ///< [requests, maxPagesPerRequest] i32
};
struct Arg {
  ArgKind kind = ArgKind::Arena;
  int32_t index = 0;
  int64_t offset = 0;
  bool operator==(const Arg &) const = default;
};

/// Element (i, j) of a value for an observer is at i × columns + j; there are
/// factor × sizes[size] rows.
struct Observation {
  std::string name; ///< Names.h: observed…
  DType type = DType::F32;
  int32_t size = 0; ///< index into Plan::sizes
  int64_t columns = 1;
  bool operator==(const Observation &) const = default;
};

enum class Opcode : uint8_t { Launch, Call, Observe };
struct Instruction {
  Opcode opcode = Opcode::Launch;
  int32_t target = 0; ///< kernel, body of the same entry, or observation
  int64_t layer = -1; ///< of a call or an observation outside of a body; -1: the current one
  std::vector<Arg> args;
  bool operator==(const Instruction &) const = default;
};

/// A straight program that is called once per layer, for example "decode.moe".
struct Body {
  std::string name;
  std::vector<Instruction> instructions;
  bool operator==(const Body &) const = default;
};

/// An input or output of an entry: rows × columns, rows = maximum of a size.
struct Port {
  std::string name; ///< Names.h: port…
  DType type = DType::F32;
  int32_t size = 0; ///< index into Plan::sizes
  int64_t columns = 1;
  bool operator==(const Port &) const = default;
};

/// A program for steps of `minTokens` to `maxTokens` tokens. The session takes
/// the first entry of the wanted role that admits the step.
struct Entry {
  std::string name; ///< decode, rows, prefill, …
  std::string role; ///< Names.h: role…
  int64_t minTokens = 1;
  int64_t maxTokens = 1;
  std::vector<int64_t> maxima; ///< per size of the plan
  int64_t arenaBytes = 0;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<Observation> observations;
  std::vector<Body> bodies;
  std::vector<Instruction> instructions;
  bool operator==(const Entry &) const = default;
};

/// The paged latent cache: per layer [pages][pageTokens][latent + rope].
struct Cache {
  DType type = DType::F32;
  int64_t layers = 0; ///< the MTP layer counts where it is compiled
  int64_t latent = 0; ///< kv_lora_rank
  int64_t rope = 0;   ///< qk_rope_head_dim
  int64_t pageTokens = 64;
  int64_t maxContext = 0;
  int64_t maxRequests = 1;
  bool operator==(const Cache &) const = default;

  int64_t pagesFor(int64_t tokens) const { return (tokens + pageTokens - 1) / pageTokens; }
  int64_t maxPagesPerRequest() const { return pagesFor(maxContext); }
  int64_t bytesPerToken() const { return layers * (latent + rope) * int64_t(byteSize(type)); }
  /// Of one page, in all layers.
  int64_t pageBytes() const { return bytesPerToken() * pageTokens; }
};

/// A machine kind that the bundle has kernels and layouts for.
struct Variant {
  std::string name;     ///< Names.h: variant…
  std::string object;   ///< file of the bundle
  std::string checksum; ///< of that file
  bool operator==(const Variant &) const = default;
};

struct Plan {
  std::string identity; ///< of the checkpoint (config and safetensors headers)
  std::string policy;   ///< f32, bf16, w8a8
  std::string families; ///< hash of the family table that the kernels were made with
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t layers = 0;              ///< without the MTP layer
  std::vector<int64_t> scaleBlock; ///< the checkpoint's [rows, columns] of a scale block
  std::vector<Variant> variants;
  std::vector<Size> sizes;
  Cache cache;
  std::vector<Parameter> parameters;
  std::vector<Kernel> kernels;
  std::vector<Entry> entries;
  bool operator==(const Plan &) const = default;
};

} // namespace dsv3::plan
