//===- KernelCode.h - what the emitter of a family works with ---*- C++ -*-===//
//
// The kernel under construction: where its arguments lie, its sizes, its
// configuration, and the emitters, one per family. An emitter writes the code of one
// tile; the function around it (EmitKernel.cpp) walks the tiles.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Code.h"
#include "Kernel/Kernel.h"
#include "Plan/Plan.h"
#include "dsv3/Plan/Kernel.h"
#include "dsv3/Plan/Scratch.h"

#include "llvm/ADT/DenseMap.h"

namespace dsv3::cpu {

/// A tensor [T, n] or [T, h, n], or a view of one, in memory.
struct Rows {
  Memory memory;
  int64_t rowStride = 0, headStride = 0; ///< elements
  int64_t columns = 0;                   ///< of a head
  Memory row(Num t) const { return memory + t * rowStride; }
  Memory row(Num t, Num head) const { return memory + (t * rowStride + head * headStride); }
};

/// The latent cache of the current layer.
struct CachePages {
  Memory pages; ///< [pages][pageTokens][latent + rope]
  Memory table; ///< [requests][pages of the context] i32
  graph::CacheType type;

  int64_t pageTokens() const { return static_cast<int64_t>(type.getPage()); }
  int64_t width() const { return static_cast<int64_t>(type.getLatent() + type.getRope()); }
  /// Elements of a page as f32, where it is not.
  int64_t widenedPage() const {
    return plan::widenedPage(*planir::dtypeOf(type.getElementType()), pageTokens(), width());
  }
  int64_t pagesPerRequest() const {
    return (static_cast<int64_t>(type.getMaxContext()) + pageTokens() - 1) / pageTokens();
  }
  /// The number of a request's page, counted from 0, as the table says, and its memory.
  Num number(Num request, Num index) const {
    return (table + (request * pagesPerRequest() + index)).integer();
  }
  Memory page(Num request, Num index) const {
    return pages + number(request, index) * (pageTokens() * width());
  }
};

/// A token's place in the cache.
struct TokenPlace {
  Num position, request;
};

class KernelCode {
public:
  KernelCode(Code &code, kern::DefOp definition, mlir::DictionaryAttr config)
      : code(code), definition(definition), config(config) {}

  /// A field of the configuration.
  int64_t field(llvm::StringRef name) const {
    return config.getAs<mlir::IntegerAttr>(name).getInt();
  }
  /// An argument of the kern.def, through kern.view.
  Rows rows(mlir::Value value) const;
  Memory memory(mlir::Value value) const { return rows(value).memory; }
  CachePages cache(mlir::Value value) const;
  /// The first dimension of a tensor: a number, or a named size times its factor.
  Num rowCount(mlir::Value value) const;

  /// The tiles of the launch, as the configuration counts them.
  Num tileCount() const;

  /// Runs `body` for the rows of the tile, `rows` of the configuration each, as far as
  /// `result` has them.
  void forRows(mlir::Value result, Num tile, llvm::function_ref<void(Num)> body) const;

  /// Runs `body` if 0 <= index < limit, else the kernel returns IndexOutOfRange.
  void checked(Num index, Num limit, llvm::function_ref<void()> body) const;

  /// Runs `body` with position and request of token t if they can be right, else fails.
  void checkedToken(const CachePages &cache, Memory positions, Memory requests, Num t,
                    llvm::function_ref<void(TokenPlace)> body) const;
  /// Runs `body` with the memory of a request's page, counted from 0, else fails. The
  /// number of pages is not known here; one that is not there is negative.
  void checkedPage(const CachePages &cache, Num request, Num index,
                   llvm::function_ref<void(Memory)> body) const;

  Code &code;
  kern::DefOp definition;
  mlir::DictionaryAttr config;
  /// By block argument; a cache is in `caches`.
  llvm::DenseMap<mlir::Value, Memory> arguments;
  llvm::DenseMap<mlir::Value, CachePages> caches;
  llvm::StringMap<mlir::Value> sizes; ///< i64
  mlir::Value scratch;
  std::optional<Var> error; ///< an i64
};

/// Whether an op of a scalar region rounds to bf16 what is yielded right after it: memory of bf16
/// rounds what is stored there.
bool isRoundedWhenStored(mlir::Operation &op);

/// Emits the ops of a scalar region for `arguments` of one width; the yielded values.
llvm::SmallVector<Num> emitScalars(Code &code, mlir::Region &region, llvm::ArrayRef<Num> arguments,
                                   int64_t width);

/// Where a scalar region is applied: row t, columns [column, column + width) of `head`.
/// `group` is the head, or the expert.
struct RegionPlace {
  Num t, head, group, column;
  int64_t width = 1;
};

/// Appends the region's operands there, as their access kinds say.
void appendRegionInputs(const KernelCode &kernel, mlir::OperandRange inputs,
                        llvm::ArrayRef<int32_t> access, const RegionPlace &place,
                        llvm::SmallVectorImpl<Num> &arguments);

void emitRowwise(const KernelCode &kernel, kern::RowwiseOp op, Num tile);
void emitGemm(const KernelCode &kernel, kern::GemmOp op, Num tile);
void emitGroupedGemm(const KernelCode &kernel, kern::GroupedGemmOp op, Num tile);
void emitGather(const KernelCode &kernel, kern::GatherOp op, Num tile);
void emitAttentionCombine(const KernelCode &kernel, kern::AttentionCombineOp op, Num tile);
void emitConcat(const KernelCode &kernel, kern::ConcatOp op, Num tile);
void emitCombine(const KernelCode &kernel, kern::CombineOp op, Num tile);
void emitRopeTable(const KernelCode &kernel, kern::RopeTableOp op, Num tile);
void emitRopeAppend(const KernelCode &kernel, kern::RopeAppendOp op, Num tile);
void emitLatentAttention(const KernelCode &kernel, kern::LatentAttentionOp op, Num tile);
void emitExpandedAttention(const KernelCode &kernel, kern::ExpandedAttentionOp op, Num tile);
void emitRouter(const KernelCode &kernel, kern::RouterOp op, Num tile);
void emitSample(const KernelCode &kernel, kern::SampleOp op, Num tile);
void emitDispatch(const KernelCode &kernel, kern::DispatchOp op, Num tile);

} // namespace dsv3::cpu
