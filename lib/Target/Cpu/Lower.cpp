//===- Lower.cpp - from scf and vector to an object file ------------------===//
#include "Code.h"
#include "EmitKernel.h"
#include "dsv3/Target/Cpu.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <mutex>

using namespace mlir;

namespace dsv3::cpu {

OwningOpRef<ModuleOp> emitKernels(ModuleOp module, const plan::CpuVariant &variant) {
  MLIRContext *context = module.getContext();
  context
      ->loadDialect<LLVM::LLVMDialect, scf::SCFDialect, vector::VectorDialect, math::MathDialect>();
  OwningOpRef<ModuleOp> result(ModuleOp::create(module.getLoc()));
  for (auto definition : module.getOps<kern::DefOp>()) {
    if (failed(emitKernel(*result, definition, variant))) {
      return nullptr;
    }
  }
  return result;
}

static LogicalResult lowerToLlvm(ModuleOp module) {
  PassManager manager(module.getContext());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertVectorToLLVMPass({.reassociateFPReductions = true}));
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  if (failed(manager.run(module))) {
    return failure();
  }
  module.walk([](LLVM::BrOp branch) {
    if (auto annotation = branch->getAttrOfType<LLVM::LoopAnnotationAttr>(loopAnnotation)) {
      branch.setLoopAnnotationAttr(annotation);
      branch->removeAttr(loopAnnotation);
    }
  });
  return success();
}

static std::unique_ptr<llvm::TargetMachine> makeTargetMachine(const plan::CpuVariant &variant,
                                                              std::string &problem) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
  });
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, problem);
  if (!target) {
    return nullptr;
  }
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, variant.cpu, variant.features, llvm::TargetOptions(), llvm::Reloc::PIC_,
      llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
}

static void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  // Emitters choose the vectors; LLVM shall not second-guess the rest of the loops.
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  // No library: a loop that clears memory may not become a call of memset.
  functions.registerPass([&] {
    llvm::TargetLibraryInfoImpl library(machine.getTargetTriple());
    library.disableAllFunctions();
    return llvm::TargetLibraryAnalysis(library);
  });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

/// The module as a file for the machine. Changes it: code generation prepares the IR. Nothing
/// if LLVM has no writer of this kind.
static std::optional<std::string> emitFile(llvm::Module &module, llvm::TargetMachine &machine,
                                           llvm::CodeGenFileType type) {
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager emission;
  if (machine.addPassesToEmitFile(emission, stream, nullptr, type)) {
    return std::nullopt;
  }
  emission.run(module);
  return std::string(bytes);
}

static Failure broken(const plan::CpuVariant &variant, const std::string &what) {
  return {"code generation for " + std::string(variant.name) + " failed: " + what, "",
          "this is an error of dsv3; please report it with the config.json"};
}

namespace {
/// Kernels in LLVM IR, and what compiles them.
struct LlvmKernels {
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::LLVMContext> context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> module;
};
} // namespace

static Expected<std::string> compileObject(LlvmKernels &kernels, const plan::CpuVariant &variant,
                                           CodeText *text) {
  llvm::Module &module = *kernels.module;
  optimise(module, *kernels.machine);
  if (text) {
    llvm::raw_string_ostream(text->llvm) << module;
    std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
    text->assembly =
        emitFile(*copy, *kernels.machine, llvm::CodeGenFileType::AssemblyFile).value_or("");
  }
  std::optional<std::string> object =
      emitFile(module, *kernels.machine, llvm::CodeGenFileType::ObjectFile);
  return object ? Expected<std::string>(*std::move(object))
                : broken(variant, "LLVM has no object writer for this target");
}

Expected<ObjectCompiler> lowerKernels(OwningOpRef<ModuleOp> module,
                                      const plan::CpuVariant &variant) {
  registerBuiltinDialectTranslation(*module->getContext());
  registerLLVMDialectTranslation(*module->getContext());
  if (failed(lowerToLlvm(*module))) {
    return broken(variant, "the kernels could not be lowered to LLVM");
  }
  std::string problem;
  LlvmKernels kernels;
  kernels.machine = makeTargetMachine(variant, problem);
  if (!kernels.machine) {
    return broken(variant, problem);
  }
  kernels.module = translateModuleToLLVMIR(*module, *kernels.context, "kernels");
  if (!kernels.module) {
    return broken(variant, "the kernels could not be translated to LLVM IR");
  }
  kernels.module->setTargetTriple(kernels.machine->getTargetTriple());
  kernels.module->setDataLayout(kernels.machine->createDataLayout());
  for (llvm::Function &function : *kernels.module) {
    if (!function.isDeclaration()) {
      function.addFnAttr("target-cpu", variant.cpu);
      if (!variant.features.empty()) {
        function.addFnAttr("target-features", variant.features);
      }
      function.addFnAttr("prefer-vector-width", variant.tuning);
      function.addFnAttr("no-builtins");
      function.setUWTableKind(llvm::UWTableKind::Async);
      function.addFnAttr(llvm::Attribute::NoUnwind);
    }
  }
  return ObjectCompiler([kernels = std::move(kernels), &variant](CodeText *text) mutable {
    return compileObject(kernels, variant, text);
  });
}

} // namespace dsv3::cpu
