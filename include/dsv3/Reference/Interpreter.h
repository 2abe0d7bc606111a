//===- Interpreter.h - what a module means, at every phase ------*- C++ -*-===//
//
// Runs entry functions of modules of the phases import to configured: dsv3 ops,
// kernels with dsv3 bodies, kernels with core ops. Slow and plain; every faster
// execution is compared with it.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "Graph/Graph.h"
#include "dsv3/Reference/Tensor.h"

#include "mlir/IR/BuiltinOps.h"

#include <functional>
#include <map>
#include <string>

namespace dsv3::reference {

/// F32: the result of each op is rounded to its element type, sums are taken in
/// double. F64: values of type f32 are not rounded at all.
enum class Precision { F32, F64 };

/// `value` as the element type keeps it.
double roundTo(mlir::Type element, double value, Precision precision);

/// Data and, for FP8, scales of a parameter.
struct ParameterValue {
  Tensor data, scales;
};

/// Where weights come from. Called once for each parameter and layer (-1: a parameter
/// without layers). Fails with a diagnostic.
using ParameterSource =
    std::function<mlir::FailureOr<ParameterValue>(graph::ParameterOp parameter, int64_t layer)>;

/// Called for dsv3.observe.
using Observer = std::function<void(llvm::StringRef name, int64_t layer, const Tensor &value)>;

/// The latent cache: for each layer and request the rows appended so far.
class LatentCache {
public:
  /// `row` is latent, then rotated key.
  void append(int64_t layer, int64_t request, int64_t position, std::vector<double> row);
  /// Row `position`, or null if nothing was appended there.
  const std::vector<double> *find(int64_t layer, int64_t request, int64_t position) const;
  /// Forgets the positions from `length` on, in all layers.
  void rewind(int64_t request, int64_t length);

private:
  std::map<std::pair<int64_t, int64_t>, std::vector<std::vector<double>>> pages;
};

/// How many check ops held, and how many did not.
struct CheckCounts {
  int64_t passed = 0, failed = 0;
};

class Interpreter {
public:
  Interpreter(mlir::ModuleOp module, ParameterSource parameters, Precision precision);

  /// Inputs by port name (`dsv3.name`), without the cache; outputs likewise. Fails with
  /// a diagnostic: an input is missing or has the wrong shape, an op has no meaning
  /// here, an id is out of range.
  mlir::FailureOr<std::map<std::string, Tensor>> run(llvm::StringRef entry,
                                                     const std::map<std::string, Tensor> &inputs,
                                                     const Observer &observer = {});
  /// Runs a function that has no arguments but a cache. Fails with a diagnostic for each
  /// check that fails, or if the function cannot be run.
  mlir::LogicalResult runTest(llvm::StringRef function);
  /// Of all that was run so far.
  const CheckCounts &checkCounts() const { return checks; }
  LatentCache &cache() { return latentCache; }

private:
  friend class Frame;
  mlir::FailureOr<ParameterValue> parameter(llvm::StringRef name, int64_t layer);

  mlir::ModuleOp module;
  ParameterSource source;
  Precision precision;
  LatentCache latentCache;
  CheckCounts checks;
  std::map<std::pair<std::string, int64_t>, ParameterValue> known;
};

} // namespace dsv3::reference
