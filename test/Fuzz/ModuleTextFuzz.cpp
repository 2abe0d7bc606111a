//===- ModuleTextFuzz.cpp - a module of dsv3, kern and check as text ------===//
#include "Fuzz.h"

#include "Check/Check.h"
#include "Graph/Graph.h"
#include "Kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <algorithm>
#include <string>
#include <string_view>

using namespace dsv3;

static std::string textOf(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream);
  return text;
}

/// Of a value %x#N MLIR's parser makes room for N results, whether there are any.
static bool namesManyResults(std::string_view text) {
  constexpr size_t mostDigits = 4;
  for (size_t at = text.find('#'); at != std::string_view::npos; at = text.find('#', at + 1)) {
    std::string_view number = text.substr(at + 1);
    if (std::min(number.find_first_not_of("0123456789"), number.size()) > mostDigits) {
      return true;
    }
  }
  return false;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (namesManyResults(fuzz::textOf(data, size))) {
    return 0;
  }
  // Uniqued attributes stay with their context: a new one for each input.
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context
      .loadDialect<check::CheckDialect, graph::GraphDialect, kern::KernelDialect,
                   mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::math::MathDialect>();
  mlir::ScopedDiagnosticHandler quiet(&context, [](mlir::Diagnostic &) { return mlir::success(); });
  // The parser reads up to the zero behind the text; it verifies what it read.
  std::string text(fuzz::textOf(data, size));
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module) {
    return 0;
  }
  ++fuzz::acceptedInputs;
  std::string printed = textOf(*module);
  auto again = mlir::parseSourceString<mlir::ModuleOp>(printed, &context);
  fuzz::require(bool(again), "a module that was printed to be read");
  fuzz::require(textOf(*again) == printed, "the same module");
  return 0;
}
