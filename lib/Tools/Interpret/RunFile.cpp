//===- RunFile.cpp - tests written in IR ----------------------------------===//
#include "RunFile.h"

#include "../FileToFile.h"
#include "dsv3/Tools/Registration.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

namespace dsv3::interpret {

/// Tests have no checkpoint.
static FailureOr<reference::ParameterValue> noParameters(graph::ParameterOp parameter, int64_t) {
  return parameter.emitError("a test has no checkpoint; hint: write weights with check.constant");
}

int runFile(const std::string &path, const std::string &entry, reference::Precision precision) {
  Expected<std::unique_ptr<llvm::MemoryBuffer>> file = readBuffer(path, InputKind::Mlir);
  if (!file) {
    llvm::errs() << "dsv3-interpret: " << file.failure().message() << '\n';
    return 1;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(*std::move(file), llvm::SMLoc());
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  context.printOpOnDiagnostic(false);
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module) {
    return 1;
  }
  SmallVector<std::string> names;
  if (!entry.empty()) {
    names.push_back(entry);
  } else {
    for (auto function : module->getOps<func::FuncOp>()) {
      if (function.isPublic() && !function.isExternal()) {
        names.push_back(function.getSymName().str());
      }
    }
  }
  reference::CheckCounts total;
  bool allRan = true;
  for (const std::string &name : names) {
    // Each function starts with an empty cache.
    reference::Interpreter machine(*module, noParameters, precision);
    allRan &= succeeded(machine.runTest(name));
    total.passed += machine.checkCounts().passed;
    total.failed += machine.checkCounts().failed;
  }
  llvm::outs() << total.passed << " checks passed, " << total.failed << " failed\n";
  if (total.passed + total.failed == 0) {
    llvm::errs() << "dsv3-interpret: expected a check in a public function of " << path
                 << ", found none\n";
    return 1;
  }
  return allRan ? 0 : 1;
}

} // namespace dsv3::interpret
