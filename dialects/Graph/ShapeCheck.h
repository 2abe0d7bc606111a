//===- ShapeCheck.h - constraints of one op ---------------------*- C++ -*-===//
//
// Verifiers of all dialects say a constraint as the documentation of the op does:
// `'weight' is [N, K]`. A letter stands for the size that it was first seen with,
// a number or a name; a size that disagrees is told with both values, where the
// first one comes from, and where in the model the op is.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Graph/Extent.h"
#include "Graph/Graph.h"

#include "llvm/ADT/StringMap.h"

namespace dsv3::graph {

/// Checks of one op. The first that fails is emitted; those after it do nothing, so
/// that a verifier is a list of constraints.
class ShapeCheck {
public:
  explicit ShapeCheck(mlir::Operation *op) : op(op) {}

  /// `value` has these sizes. Letters not seen before get their size from it.
  void shape(llvm::StringRef name, mlir::Value value, llvm::ArrayRef<llvm::StringRef> letters);
  /// A weight of a stored type with its scales: both, and `block`, or none of them.
  void weight(llvm::StringRef name, mlir::Value value, llvm::ArrayRef<llvm::StringRef> letters,
              mlir::Value scales, std::optional<llvm::ArrayRef<int64_t>> block,
              llvm::StringRef scalesName = "scales");
  /// Rows [rows, columns] of activations: numbers without `scales`, or codes of FP8 or i8
  /// with scales [rows, ceil(columns/bk)], for `block` [bn, bk] of the `weight` of codes that they
  /// are multiplied with. The scales are called `name`_scales.
  void activations(llvm::StringRef name, mlir::Value value, mlir::Value scales, mlir::Value weight,
                   std::optional<llvm::ArrayRef<int64_t>> block, llvm::StringRef rows,
                   llvm::StringRef columns);
  /// `codes` and `scales` are what quantising [rows, columns] by `group` columns gives.
  void quantised(mlir::Value codes, mlir::Value scales, int64_t group, llvm::StringRef rows,
                 llvm::StringRef columns);
  /// `value` has elements of `type`.
  void element(llvm::StringRef name, mlir::Value value, mlir::Type type);
  /// Letters c and r are the sizes of the cache.
  void cache(CacheType type);
  /// A letter's size, and where it is from ("as in the cache"; empty for a formula).
  void let(llvm::StringRef letter, Extent extent, llvm::StringRef source = "");

  /// The size of a letter; neither number nor name if nothing has it.
  Extent operator[](llvm::StringRef letter) const;
  /// The size of a letter if it is a number, else 0.
  int64_t number(llvm::StringRef letter) const;

  /// Emits "expected …, found …", unless something failed before.
  mlir::LogicalResult fail(const llvm::Twine &expected, const llvm::Twine &found,
                           const llvm::Twine &hint = {});
  bool ok() const { return passed; }
  mlir::LogicalResult result() const { return mlir::success(passed); }

private:
  struct Binding {
    Extent extent;
    std::string source;
  };
  mlir::Operation *op;
  llvm::StringMap<Binding> bindings;
  bool passed = true;
};

/// Numbers of a router over E experts (a letter of `check`): `groups` of them, `kept` of
/// which are looked into for `chosen` experts.
void checkRouting(ShapeCheck &check, int64_t groups, int64_t kept, int64_t chosen);

/// Whether these are layers as attributes list them: from 0 on, ascending, each once.
bool areLayers(llvm::ArrayRef<int64_t> layers);

/// Scales of this shape, as they come with codes of that element type.
mlir::RankedTensorType scalesTypeOf(mlir::Type codes, llvm::SmallVector<int64_t> shape);
/// Whether codes of this type can have a scale for so many rows and columns.
bool isBlockOf(DType codes, llvm::ArrayRef<int64_t> block);

/// What a failed check says, for type inference, which has no op yet.
mlir::LogicalResult inferenceError(std::optional<mlir::Location> location, llvm::StringRef opName,
                                   const llvm::Twine &expected, const llvm::Twine &found,
                                   const llvm::Twine &hint = {});

/// "1.0E-6".
std::string spell(const llvm::APFloat &value);
/// The text of a type, of an attribute.
std::string spell(mlir::Type type);
std::string spell(mlir::Attribute attribute);

} // namespace dsv3::graph
