//===- Opt.cpp - runs passes over .mlir text ------------------------------===//
#include "dsv3/Tools/Opt.h"

#include "../FileToFile.h"
#include "../ToolMain.h"
#include "dsv3/Tools/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mlir;

namespace dsv3 {

static constexpr const char *about =
    "dsv3-opt: passes over modules\n\n"
    "Runs passes of dsv3 over .mlir text, one by one or as a pipeline, and prints the module.\n"
    "What dsv3-compile runs from phase to phase are the same passes. The names of ours begin\n"
    "with dsv3-, convert-dsv3- or kern-; of the options below, which are MLIR's and LLVM's,\n"
    "these are the ones to know:\n\n"
    "  --list-passes             the passes there are, a line each\n"
    "  --pass-pipeline='builtin.module(dsv3-make-entry-points,dsv3-absorb-mla)'\n"
    "  --mlir-print-ir-after-all what each pass makes of the module\n\n"
    "example: dsv3-compile --model DIR --stop-after=import |\n"
    "           dsv3-opt --dsv3-make-entry-points --dsv3-absorb-mla\n";

static int runTool(int argc, char **argv) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllPasses();
  auto [input, output] = registerAndParseCLIOptions(argc, argv, about, registry);
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  if (config.shouldListPasses() || config.shouldShowDialects()) {
    return asMainReturnCode(MlirOptMain(argc, argv, input, output, registry)); // opens no file
  }
  auto work = [&](std::unique_ptr<llvm::MemoryBuffer> text, llvm::raw_ostream &stream) {
    return succeeded(MlirOptMain(stream, std::move(text), registry, config));
  };
  return fileToFile("dsv3-opt", input, InputKind::Mlir, output, work);
}

int optMain(int argc, char **argv) {
  return toolMain("dsv3-opt", argc, argv, [&] {
    return withLlvmCommandLine("dsv3-opt", [&] { return runTool(argc, argv); });
  });
}

} // namespace dsv3
