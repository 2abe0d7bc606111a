//===- PrintParts.h - parts of the texts of families ------------*- C++ -*-===//
//
// What PrintFamilies.cpp and PrintProducts.cpp share.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "KernelText.h"

#include "dsv3/Plan/Families.h"

namespace dsv3::cuda {

/// An assertion that `bytes`, an expression, is the shared memory of the family table.
std::string sharedCheck(const KernelText &kernel, const std::string &bytes);
/// An epilogue of `parts` sums that stores its value in `destination`, or gives it back where there
/// is none, and a value of it.
std::string addEpilogue(KernelText &kernel, FamilyText &text, mlir::Region &region,
                        mlir::ValueRange inputs, llvm::ArrayRef<int32_t> access, int64_t parts,
                        mlir::ValueRange destination);
/// The region that a weight passes through, where there is one.
std::string prologueText(const KernelText &kernel, mlir::Region &region);
/// ", Quantise<640, 128, false>{codes, scales}": the stage that makes codes in groups of `group`
/// columns.
std::string stageText(const KernelText &kernel, mlir::Value codes, mlir::Value scales,
                      uint64_t group, bool ue8m0);
plan::GpuProduct formOf(const KernelText &kernel);
/// Bits of an element of the weight if it passes through a prologue; else 0.
int64_t widenedBits(mlir::Operation *core);

/// What DSV3_TENSOR_MAP is given for `rows` of so many elements of the matrix behind `value`, in
/// boxes of `boxRows`; and for its rows, of a step or constant, which hold all heads.
std::string mapText(const KernelText &kernel, mlir::Value value, KernelText::RowCount rows,
                    int64_t rowElements, int64_t boxRows);
std::string mapText(const KernelText &kernel, mlir::Value value, int64_t boxRows);

/// A prompt's keys on warp groups: PrintPrefill.cpp.
FamilyText print(KernelText &kernel, kern::ExpandLatentsOp op);
FamilyText print(KernelText &kernel, kern::PrefillAttentionOp op);

/// Products: PrintProducts.cpp.
FamilyText print(KernelText &kernel, kern::GemmOp op);
FamilyText print(KernelText &kernel, kern::GroupedGemmOp op);

} // namespace dsv3::cuda
