//===- Translate.cpp - between files and modules --------------------------===//
//
// The translations of dsv3-translate: of plan files, and what becomes of a configured
// module after its last pass. Upstream's driver has the flags, reads the input and writes
// the output only where a translation succeeds.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Tools/Translate.h"

#include "../ToolMain.h"
#include "Kernel/Kernel.h"
#include "Plan/Plan.h"
#include "dsv3/Conversion/KernelToPlan.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Target/Cpu.h"
#include "dsv3/Target/Cuda.h"
#include "dsv3/Target/Plan.h"
#include "dsv3/Tools/Registration.h"

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

static LogicalResult kernelsToPlan(ModuleOp module, llvm::raw_ostream &output) {
  FailureOr<plan::Plan> plan = planModule(module);
  if (failed(plan)) {
    return failure();
  }
  OwningOpRef<ModuleOp> text = toModule(*module.getContext(), *plan);
  if (!text) {
    return failure();
  }
  text->print(output);
  return success();
}

/// A module for each variant that a kernel is configured for. Fails if there is none.
static LogicalResult kernelsToCpu(ModuleOp module, llvm::raw_ostream &output) {
  bool configured = false;
  for (const plan::CpuVariant &variant : plan::cpuVariants()) {
    if (llvm::none_of(module.getOps<kern::DefOp>(), [&](kern::DefOp definition) {
          return definition.getConfigsAttr() && definition.getConfig(variant.name);
        })) {
      continue;
    }
    OwningOpRef<ModuleOp> code = cpu::emitKernels(module, variant);
    if (!code) {
      return failure();
    }
    output << "// " << variant.name << '\n';
    code->print(output);
    configured = true;
  }
  if (!configured) {
    return module.emitError("expected a module of phase configured, found no kernel that has a "
                            "configuration; hint: dsv3-compile --stop-after=configured prints one");
  }
  return success();
}

/// The file of texts of each kind of GPU that a kernel is configured for. Fails if there is none.
static LogicalResult kernelsToCuda(ModuleOp module, llvm::raw_ostream &output) {
  bool configured = false;
  for (const plan::GpuVariant &variant : plan::gpuVariants()) {
    if (llvm::none_of(module.getOps<kern::DefOp>(), [&](kern::DefOp definition) {
          return definition.getConfigsAttr() && definition.getConfig(variant.name);
        })) {
      continue;
    }
    FailureOr<std::vector<plan::KernelText>> kernels = cuda::printKernels(module, variant);
    if (failed(kernels)) {
      return failure();
    }
    output << plan::joinKernelTexts(variant.name, *kernels);
    configured = true;
  }
  if (!configured) {
    return module.emitError(
        "expected a module of phase configured, found no kernel that has a configuration for a "
        "GPU; hint: dsv3-compile --target=cuda --arch=sm_90a --stop-after=configured prints one");
  }
  return success();
}

static int runTool(int argc, char **argv) {
  TranslateToMLIRRegistration toMlir("plan-to-mlir", "a plan file (plan.dsv3) as text",
                                     TranslateRawSourceMgrToMLIRFunction(planToMlir));
  TranslateFromMLIRRegistration fromMlir(
      "mlir-to-plan", "the text of a plan as a plan file",
      [](ModuleOp module, llvm::raw_ostream &output) { return mlirToPlan(module, output); },
      [](DialectRegistry &registry) { registry.insert<planir::PlanDialect>(); });
  TranslateFromMLIRRegistration toPlan(
      "kernels-to-plan", "the plan of a configured module as text",
      [](ModuleOp module, llvm::raw_ostream &output) { return kernelsToPlan(module, output); },
      registerAllDialects);
  TranslateFromMLIRRegistration toCpu(
      "kernels-to-cpu", "the code of a configured module's kernels, before LLVM",
      [](ModuleOp module, llvm::raw_ostream &output) { return kernelsToCpu(module, output); },
      registerAllDialects);
  TranslateFromMLIRRegistration toCuda(
      "kernels-to-cuda", "the CUDA text of a configured module's kernels",
      [](ModuleOp module, llvm::raw_ostream &output) { return kernelsToCuda(module, output); },
      registerAllDialects);
  return failed(mlirTranslateMain(
             argc, argv,
             "dsv3-translate: a plan as text and back; the plan and the code of kernels\n\n"
             "The text is the plan dialect. A plan that is written as text and read\n"
             "back has the same bytes. From a module of phase configured come its plan\n"
             "and, as scf, vector and llvm, the code of its kernels for each CPU that\n"
             "they are configured for, or for GPUs as CUDA text. Makes no bundle; for that\n"
             "use dsv3-compile.\n\n"
             "  --plan-to-mlir     a plan file (plan.dsv3) as text\n"
             "  --mlir-to-plan     the text of a plan as a plan file\n"
             "  --kernels-to-plan  the plan of a configured module as text\n"
             "  --kernels-to-cpu   the code of a configured module's kernels, before LLVM\n"
             "  --kernels-to-cuda  the CUDA text of a configured module's kernels\n\n"
             "Of the options below, which are LLVM's, -o FILE is the one to know.\n\n"
             "example: dsv3-translate --plan-to-mlir BUNDLE/plan.dsv3 -o plan.mlir\n"
             "         dsv3-translate --kernels-to-cpu configured.mlir\n"))
             ? 1
             : 0;
}

int translateMain(int argc, char **argv) {
  return toolMain("dsv3-translate", argc, argv, [&] {
    return withLlvmCommandLine("dsv3-translate", [&] { return runTool(argc, argv); });
  });
}

} // namespace dsv3
