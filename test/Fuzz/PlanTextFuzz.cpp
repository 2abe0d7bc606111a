//===- PlanTextFuzz.cpp - a plan as text ----------------------------------===//
#include "Fuzz.h"

#include "Plan/Plan.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Target/Plan.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <string>

using namespace dsv3;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // Uniqued attributes stay with their context: a new one for each input.
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<planir::PlanDialect>();
  mlir::ScopedDiagnosticHandler quiet(&context, [](mlir::Diagnostic &) { return mlir::success(); });
  // The parser reads up to the zero behind the text.
  std::string text(fuzz::textOf(data, size));
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module) {
    return 0;
  }
  mlir::FailureOr<plan::Plan> plan = fromModule(*module);
  if (mlir::succeeded(plan)) {
    ++fuzz::acceptedInputs;
    auto back = toModule(context, *plan);
    fuzz::require(bool(back), "a module of a plan that a module gave");
    mlir::FailureOr<plan::Plan> again = fromModule(*back);
    fuzz::require(mlir::succeeded(again) && *again == *plan, "the same plan");
  }
  return 0;
}
