//===- Graph.h - the dsv3 dialect -------------------------------*- C++ -*-===//
//
// The C++ of the dialect that TableGen makes from Graph.td: types, attributes,
// ops. All are handles to data owned by an MLIRContext.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/DType.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Graph/GraphDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "Graph/GraphTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Graph/GraphAttrs.h.inc"

#define GET_OP_CLASSES
#include "Graph/GraphOps.h.inc"

namespace dsv3::graph {

/// The type of a weight's codes, which come with scales (dsv3::scaleForm); nothing for an
/// element type that needs none.
std::optional<DType> codesOf(mlir::Type element);
/// Whether quantised activations can have codes of this type.
bool areRowCodes(mlir::Type element);

/// Attribute of a function: the layers that call it, ascending i64.
inline constexpr llvm::StringLiteral layersAttrName = "dsv3.layers";
/// Attribute of a function that makes it an entry: a dictionary.
inline constexpr llvm::StringLiteral entryAttrName = "dsv3.entry";
/// Its keys: what a session wants it for ("step" or "mtp"); from dsv3-make-entry-points on,
/// the least and most tokens of a step (i64), and the maxima of named sizes (#dsv3.size).
inline constexpr llvm::StringLiteral entryRoleKey = "role";
inline constexpr llvm::StringLiteral entryMinTokensKey = "min_tokens";
inline constexpr llvm::StringLiteral entryMaxTokensKey = "max_tokens";
inline constexpr llvm::StringLiteral entrySizesKey = "sizes";
/// Attribute of an entry's argument or result: its name for the session.
inline constexpr llvm::StringLiteral nameAttrName = "dsv3.name";
/// Attribute of a layer function: "absorbed" or "expanded" attention.
inline constexpr llvm::StringLiteral attentionAttrName = "dsv3.attention";
/// Attributes of the module: the precision policy that it was written for; what rows of products
/// were narrowed to under policy f32 (f32, bf16, int8); the identity of the checkpoint; the
/// checkpoint's own block of FP8 scales, rows and columns.
inline constexpr llvm::StringLiteral policyAttrName = "dsv3.policy";
inline constexpr llvm::StringLiteral activationsAttrName = "dsv3.activations";
inline constexpr llvm::StringLiteral identityAttrName = "dsv3.identity";
inline constexpr llvm::StringLiteral scaleBlockAttrName = "dsv3.scale_block";
/// Attribute of the module: "ue8m0" where scales are powers of two (`scale_fmt` of V3.1), those
/// of quantised activations too.
inline constexpr llvm::StringLiteral scaleFormatAttrName = "dsv3.scale_format";
inline constexpr llvm::StringLiteral scaleFormatUe8m0 = "ue8m0";

} // namespace dsv3::graph
