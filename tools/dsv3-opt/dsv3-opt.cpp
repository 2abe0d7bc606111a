//===- dsv3-opt.cpp - runs passes over .mlir text -------------------------===//
#include "dsv3/Tools/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  dsv3::registerAllDialects(registry);
  dsv3::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "dsv3-opt: passes over modules\n", registry));
}
