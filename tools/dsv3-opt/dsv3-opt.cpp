//===- dsv3-opt.cpp - runs passes over .mlir text -------------------------===//
#include "dsv3/Tools/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  dsv3::registerAllDialects(registry);
  dsv3::registerAllPasses();
  const char *help =
      "dsv3-opt: passes over modules\n\n"
      "Runs passes of dsv3 over .mlir text, one by one or as a pipeline, and prints the module.\n"
      "What dsv3-compile runs from phase to phase are the same passes. The names of ours begin\n"
      "with dsv3-, convert-dsv3- or kern-; of the options below, which are MLIR's and LLVM's,\n"
      "these are the ones to know:\n\n"
      "  --list-passes             the passes there are, a line each\n"
      "  --pass-pipeline='builtin.module(dsv3-set-precision,dsv3-make-entry-points)'\n"
      "  --mlir-print-ir-after-all what each pass makes of the module\n\n"
      "example: dsv3-compile --model DIR --stop-after=import |\n"
      "           dsv3-opt --dsv3-set-precision --dsv3-make-entry-points\n";
  return dsv3::withLlvmCommandLine("dsv3-opt", [&] {
    return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, help, registry));
  });
}
