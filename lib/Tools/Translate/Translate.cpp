//===- Translate.cpp - between files and modules --------------------------===//
//
// The translations of dsv3-translate; upstream's driver has the flags, reads the input
// and writes the output only where a translation succeeds.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Tools/Translate.h"

#include "Plan/Plan.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Target/Plan.h"

#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace dsv3 {

static OwningOpRef<Operation *> planToMlir(llvm::SourceMgr &sources, MLIRContext *context) {
  const llvm::MemoryBuffer *file = sources.getMemoryBuffer(sources.getMainFileID());
  std::string name = file->getBufferIdentifier().str();
  Expected<plan::Plan> plan = plan::parse(file->getBuffer(), name);
  if (!plan) {
    emitError(FileLineColLoc::get(context, name, 0, 0))
        << plan.failure().what << "; hint: " << plan.failure().hint;
    return nullptr;
  }
  return OwningOpRef<Operation *>(toModule(*context, *plan).release());
}

static LogicalResult mlirToPlan(ModuleOp module, llvm::raw_ostream &output) {
  FailureOr<plan::Plan> plan = fromModule(module);
  if (failed(plan)) {
    return failure();
  }
  output << plan::serialise(*plan);
  return success();
}

int translateMain(int argc, char **argv) {
  TranslateToMLIRRegistration toMlir("plan-to-mlir", "a plan file (plan.dsv3) as text",
                                     TranslateRawSourceMgrToMLIRFunction(planToMlir));
  TranslateFromMLIRRegistration fromMlir(
      "mlir-to-plan", "the text of a plan as a plan file",
      [](ModuleOp module, llvm::raw_ostream &output) { return mlirToPlan(module, output); },
      [](DialectRegistry &registry) { registry.insert<planir::PlanDialect>(); });
  return failed(mlirTranslateMain(
             argc, argv,
             "dsv3-translate: a plan as text and back\n\n"
             "The text is the plan dialect. A plan that is written as text and read\n"
             "back has the same bytes. Compiles nothing; for that use dsv3-compile.\n\n"
             "example: dsv3-translate --plan-to-mlir BUNDLE/plan.dsv3 -o plan.mlir\n"))
             ? 1
             : 0;
}

} // namespace dsv3
