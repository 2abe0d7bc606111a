//===- MicroKernels.h - inner loops that kernels share ----------*- C++ -*-===//
//
// Functions of the generated object that kernels of several families call: a weight's
// panel expanded to f32, and a register tile of rows. They are made when first asked for, once per
// variant and shape, so that the time to compile grows with the shapes of loops and not with the
// number of kernels.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "PanelColumns.h"

namespace dsv3::cpu {

/// Calls expand(from, to, count): `count` columns of a panel at `from` as f32 to [count][width] at
/// `to`; exactly, or with `scales` of blocks of `scaleColumns` columns multiplied by them, rounded
/// once.
void callExpand(Code &code, const PanelForm &form, Memory from, Memory to, Num count,
                std::optional<Memory> scales = std::nullopt, int64_t scaleColumns = 0);
/// Calls widen: `count` bf16 or f16 values as f32.
void callWiden(Code &code, Memory from, Memory to, Num count);

/// Sets `count` f32 to 0, and what is left of the last vector.
void clear(Code &code, Memory memory, Num count);

/// The function `name` of the module under construction, made by `body`, which gets code and
/// arguments, where it is not there yet. It returns nothing and is never inlined, so that
/// registers are allocated for its loops alone.
mlir::LLVM::LLVMFuncOp
sharedFunction(Code &code, llvm::StringRef name, llvm::ArrayRef<mlir::Type> parameters,
               llvm::function_ref<void(Code &, mlir::Block::BlockArgListType)> body);

/// Calls such a function, whose parameters are `memories`, then `numbers`; body gets them in that
/// order.
void callShared(Code &code, llvm::StringRef name, llvm::ArrayRef<Memory> memories,
                llvm::ArrayRef<Num> numbers,
                llvm::function_ref<void(Code &, llvm::ArrayRef<Memory>, llvm::ArrayRef<Num>)> body);

/// A block of rows times a block of a matrix. Strides are constants of the code.
struct TileCall {
  Memory a; ///< [rows][aStride], of which `count` columns are read
  int64_t aStride = 0;
  Memory weight; ///< [count][weightStride] f32, of which `width` columns are read
  int64_t weightStride = 0;
  Num count;
  Memory out; ///< [rows][outStride], of which `width` columns are added to
  Num outStride;
  std::optional<Memory> scale; ///< [width], multiplied with the sums before they are added
  bool goesOn = false;        ///< sums begin with `out`, so that of a split k the bits are the same
  std::optional<Memory> next; ///< columns of a panel, asked for meanwhile
  PanelForm nextForm;
};

/// Calls the tile of `rows` rows: for each row i and column j
/// `out[i, j] += scale[j] * sum over k of a[i, k] * weight[k, j]`, k ascending.
void callTile(Code &code, int64_t rows, int64_t width, const TileCall &call);

/// Runs body(firstRow, height) for tiles of `mr` rows, and one of the whole units
/// (plan::tileUnit) that the rest fills in part: what it computes beyond `rows` is not used.
void forPaddedTiles(Code &code, int64_t mr, Num rows, llvm::function_ref<void(Num, int64_t)> body);

/// Runs body(firstRow, height) for tiles of at most `mr` rows that cover `rows` rows: few of
/// them, whatever the number.
void forTiles(Code &code, int64_t mr, Num rows, llvm::function_ref<void(Num, int64_t)> body);

/// Runs body(group, firstRow, height) for the least number of groups of at most `most` rows, of
/// about one size, that cover `rows` rows, which are `least` or more.
void forGroups(Code &code, int64_t least, int64_t most, Num rows,
               llvm::function_ref<void(Num, Num, int64_t)> body);

} // namespace dsv3::cpu
