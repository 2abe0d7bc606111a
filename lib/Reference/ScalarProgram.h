//===- ScalarProgram.h - a scalar region, ready to run ----------*- C++ -*-===//
//
// Private to lib/Reference. A region of the closed scalar table as a list of steps: names
// are looked up once, not for each element of a tensor.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Reference/Interpreter.h"

#include "mlir/IR/Region.h"

namespace dsv3::reference {

class ScalarProgram {
public:
  /// Fails, with a diagnostic, if the region has an op that is not in the table.
  static mlir::FailureOr<ScalarProgram> make(mlir::Region &region, Precision precision);

  /// The values that the region yields for `arguments`, one for each of its own, into
  /// `results`. May run on many threads at once.
  void run(llvm::ArrayRef<double> arguments, llvm::MutableArrayRef<double> results) const;

private:
  struct Step {
    double (*value)(double a, double b);
    unsigned a, b;      ///< indices of values: arguments, then constants, then steps
    mlir::Type element; ///< what the result is rounded to
  };

  Precision precision = Precision::F32;
  std::vector<double> constants;
  std::vector<Step> steps;
  std::vector<unsigned> yielded;
};

} // namespace dsv3::reference
