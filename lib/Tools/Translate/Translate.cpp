//===- Translate.cpp - between files and modules --------------------------===//
//
// The translations of dsv3-translate: of plan files, and what becomes of a configured
// module after its last pass. The flags have the names and meanings of upstream's driver,
// which opens the files itself (FileToFile.h) and asks for each translation that is missing.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Tools/Translate.h"

#include "../FileToFile.h"
#include "../ToolMain.h"
#include "Kernel/Kernel.h"
#include "Plan/Plan.h"
#include "dsv3/Conversion/KernelToPlan.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/CommandLine.h"
#include "dsv3/Target/Cpu.h"
#include "dsv3/Target/Cuda.h"
#include "dsv3/Target/Plan.h"
#include "dsv3/Tools/Registration.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/ToolUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"

#include <type_traits>

using namespace mlir;
namespace cl = llvm::cl;

namespace dsv3 {

namespace {
/// What --kernels-to-cuda is told.
struct CudaFlags {
  std::string only; ///< the kernel that is asked for; empty: all
  cuda::LineInfo lines = cuda::LineInfo::None;
};
} // namespace

static LogicalResult planToMlir(llvm::SourceMgr &sources, MLIRContext &context,
                                llvm::raw_ostream &output, const CudaFlags &) {
  const llvm::MemoryBuffer *file = sources.getMemoryBuffer(sources.getMainFileID());
  std::string name = file->getBufferIdentifier().str();
  Expected<plan::Plan> plan = plan::parse(file->getBuffer(), name);
  if (!plan) {
    return emitError(FileLineColLoc::get(&context, name, 0, 0))
           << plan.failure().what << "; hint: " << plan.failure().hint;
  }
  OwningOpRef<ModuleOp> text = toModule(context, *plan);
  if (!text || failed(verify(*text))) {
    return failure();
  }
  text->print(output);
  return success();
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
static LogicalResult kernelsToCuda(ModuleOp module, llvm::raw_ostream &output,
                                   const CudaFlags &flags) {
  const std::string &only = flags.only;
  if (!only.empty() && !module.lookupSymbol<kern::DefOp>(only)) {
    return module.emitError() << "expected --kernel to name a kernel, found '" << only
                              << "'; hint: without it all are printed, each under its name";
  }
  bool configured = false;
  for (const plan::GpuVariant &variant : plan::gpuVariants()) {
    if (llvm::none_of(module.getOps<kern::DefOp>(), [&](kern::DefOp definition) {
          return definition.getConfigsAttr() && definition.getConfig(variant.name);
        })) {
      continue;
    }
    FailureOr<std::vector<plan::KernelText>> kernels =
        cuda::printKernels(module, variant, flags.lines);
    if (failed(kernels)) {
      return failure();
    }
    llvm::erase_if(*kernels, [&](const plan::KernelText &kernel) {
      return !only.empty() && kernel.symbol != only;
    });
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

/// A translation from the text of a module.
template <auto translate>
static LogicalResult ofModule(llvm::SourceMgr &sources, MLIRContext &context,
                              llvm::raw_ostream &output, const CudaFlags &flags) {
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module) {
    return failure();
  }
  if constexpr (std::is_invocable_v<decltype(translate), ModuleOp, llvm::raw_ostream &>) {
    return translate(*module, output);
  } else {
    return translate(*module, output, flags);
  }
}

namespace {
struct Translation {
  llvm::StringRef flag, what;
  InputKind input;
  LogicalResult (*run)(llvm::SourceMgr &sources, MLIRContext &context, llvm::raw_ostream &output,
                       const CudaFlags &flags);
};
} // namespace

static constexpr Translation translations[] = {
    {"plan-to-mlir", "a plan file (plan.dsv3) as text", InputKind::Bytes, planToMlir},
    {"mlir-to-plan", "the text of a plan as a plan file", InputKind::Mlir, ofModule<mlirToPlan>},
    {"kernels-to-plan", "the plan of a configured module as text", InputKind::Mlir,
     ofModule<kernelsToPlan>},
    {"kernels-to-cpu", "the code of a configured module's kernels, before LLVM", InputKind::Mlir,
     ofModule<kernelsToCpu>},
    {"kernels-to-cuda", "the CUDA text of a configured module's kernels", InputKind::Mlir,
     ofModule<kernelsToCuda>}};

/// Translates one piece of the input, in a context of its own.
static LogicalResult translatePiece(const Translation &translation,
                                    std::unique_ptr<llvm::MemoryBuffer> piece,
                                    llvm::raw_ostream &output, const CudaFlags &flags,
                                    bool verifyDiagnostics) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(piece), llvm::SMLoc());
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  if (verifyDiagnostics) {
    context.printOpOnDiagnostic(false);
    SourceMgrDiagnosticVerifierHandler expected(sources, &context);
    (void)translation.run(sources, context, output, flags);
    return expected.verify();
  }
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  return translation.run(sources, context, output, flags);
}

static constexpr const char *about =
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
    "Of the options below, which are LLVM's but for --kernel and --line-info, -o FILE is the\n"
    "one to know.\n\n"
    "example: dsv3-translate --plan-to-mlir BUNDLE/plan.dsv3 -o plan.mlir\n"
    "         dsv3-translate --kernels-to-cuda --kernel=decode.linear configured.mlir\n";

static int runTool(int argc, char **argv) {
  cl::opt<std::string> input(cl::Positional, cl::desc("<input file>"), cl::init("-"));
  cl::opt<std::string> output("o", cl::desc("file to write"), cl::value_desc("filename"),
                              cl::init("-"));
  cl::opt<std::string> marker("split-input-file", cl::ValueOptional, cl::value_desc("marker"),
                              cl::desc("translate what lies between such lines piece by piece"));
  cl::opt<bool> verifyDiagnostics("verify-diagnostics",
                                  cl::desc("check messages against comments expected-error"));
  cl::opt<std::string> only("kernel", cl::value_desc("name"),
                            cl::desc("with --kernels-to-cuda: print this kernel alone"));
  cl::opt<bool> lineInfo("line-info",
                         cl::desc("with --kernels-to-cuda: #line directives, so that compilers,\n"
                                  "profilers and simulator name lines of the input file"));
  std::vector<std::unique_ptr<cl::opt<bool>>> asked;
  for (const Translation &translation : translations) {
    asked.push_back(std::make_unique<cl::opt<bool>>(translation.flag, cl::desc(translation.what)));
  }
  registerAsmPrinterCLOptions();
  registerMLIRContextCLOptions();
  cl::ParseCommandLineOptions(argc, argv, about);
  const Translation *wanted = nullptr;
  int count = 0;
  for (auto [flag, translation] : llvm::zip_equal(asked, translations)) {
    wanted = *flag ? &translation : wanted;
    count += *flag ? 1 : 0;
  }
  if (count != 1) {
    llvm::errs() << "dsv3-translate: expected one translation, found " << count
                 << "\n  hint: for example --plan-to-mlir; see dsv3-translate --help\n";
    return exitUsage;
  }
  if ((!only.empty() || lineInfo) && wanted->flag != "kernels-to-cuda") {
    llvm::errs() << "dsv3-translate: expected " << (lineInfo ? "--line-info" : "--kernel")
                 << " beside --kernels-to-cuda, found it beside --" << wanted->flag
                 << "\n  hint: leave it out\n";
    return exitUsage;
  }
  CudaFlags flags{only, lineInfo ? cuda::LineInfo::OfModule : cuda::LineInfo::None};
  if (marker.getNumOccurrences() > 0 && marker.empty()) {
    marker = kDefaultSplitMarker;
  }
  auto translate = [&](std::unique_ptr<llvm::MemoryBuffer> text, llvm::raw_ostream &stream) {
    auto piece = [&](std::unique_ptr<llvm::MemoryBuffer> part, llvm::raw_ostream &to) {
      return translatePiece(*wanted, std::move(part), to, flags, verifyDiagnostics);
    };
    return succeeded(splitAndProcessBuffer(std::move(text), piece, stream, marker));
  };
  return fileToFile("dsv3-translate", input, wanted->input, output, translate);
}

int translateMain(int argc, char **argv) {
  return toolMain("dsv3-translate", argc, argv, [&] {
    return withLlvmCommandLine("dsv3-translate", [&] { return runTool(argc, argv); });
  });
}

} // namespace dsv3
