//===- Registration.cpp - what every compiler tool knows ------------------===//
#include "dsv3/Tools/Registration.h"

#include "Check/Check.h"
#include "Graph/Graph.h"
#include "Kernel/Kernel.h"
#include "Plan/Plan.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <unistd.h>

#include "dsv3/Conversion/Passes.h"
#include "dsv3/Support/CommandLine.h"
#include "dsv3/Transforms/Passes.h"

void dsv3::registerAllDialects(mlir::DialectRegistry &registry) {
  registry
      .insert<check::CheckDialect, graph::GraphDialect, kern::KernelDialect, planir::PlanDialect,
              mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::math::MathDialect>();
}

void dsv3::registerAllPasses() {
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
  registerTransformsPasses();
  registerConversionPasses();
}

/// Whether the driver is at work; only its parser exits the process meanwhile.
static bool driverRuns = false;

int dsv3::withLlvmCommandLine(const char *program, const std::function<int()> &work) {
  llvm::cl::SetVersionPrinter(
      [program](llvm::raw_ostream &stream) { stream << versionText(program) << '\n'; });
  driverRuns = true;
  on_exit(
      [](int code, void *) {
        if (driverRuns && code != 0) {
          _exit(exitUsage);
        }
      },
      nullptr);
  int code = work();
  driverRuns = false;
  return code;
}

void dsv3::sayDiagnostics(mlir::MLIRContext &context, const char *program) {
  context.printOpOnDiagnostic(false); // whoever gives a checkpoint did not write the module
  context.getDiagEngine().registerHandler([program](mlir::Diagnostic &diagnostic) {
    auto say = [](llvm::StringRef prefix, const mlir::Diagnostic &text) {
      llvm::errs() << prefix << ": ";
      if (!llvm::isa<mlir::UnknownLoc>(text.getLocation())) {
        llvm::errs() << text.getLocation() << ": ";
      }
      llvm::errs() << text << '\n';
    };
    bool isError = diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
    say(isError ? program : "note", diagnostic);
    for (const mlir::Diagnostic &note : diagnostic.getNotes()) {
      say("note", note);
    }
  });
}
