//===- PrintKernels.cpp - a kernel as a text ------------------------------===//
//
// The frame of each text: a comment for people, the family's header, its functors, and
// the function with the ABI of dsv3/Plan/GpuKernel.h.
//
//===----------------------------------------------------------------------===//
#include "KernelText.h"

#include "Graph/Extent.h"
#include "dsv3/Target/Cuda.h"
#include "dsv3/Transforms/KernelFacts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace dsv3::cuda {
namespace {

class KernelPrinter {
public:
  KernelPrinter(ModuleOp module, kern::DefOp definition, const plan::GpuVariant &variant,
                LineInfo lines)
      : module(module), definition(definition), variant(variant),
        text(definition, definition.getConfig(variant.name), lines) {}
  FailureOr<std::string> run();

private:
  LogicalResult check();
  LogicalResult checkRegions();
  FailureOr<std::string> comment();
  std::string parameters();
  std::string parameter(Value argument, const std::string &type, const std::string &name,
                        const std::string &shape);

  ModuleOp module;
  kern::DefOp definition;
  const plan::GpuVariant &variant;
  KernelText text;
};

} // namespace

/// Arithmetic is f32; other types are read and rounded to.
LogicalResult KernelPrinter::checkRegions() {
  for (Region &region : definition.getCore()->getRegions()) {
    for (Operation &op : region.getOps()) {
      bool computes = op.getNumResults() == 1 && !isa<arith::ConstantOp, arith::TruncFOp>(op);
      Type type = op.getNumResults() == 1 ? op.getResult(0).getType() : Type();
      if ((computes && !type.isF32()) || (type && typeText(type).empty())) {
        return definition.emitError("GPUs have no code for '")
               << op.getName() << "' that gives " << type << " in a scalar region";
      }
    }
  }
  return success();
}

/// The weight of a product, which alone may be integer codes.
static Value weightOf(Operation *core) {
  return llvm::TypeSwitch<Operation *, Value>(core)
      .Case<kern::GemmOp, kern::GroupedGemmOp>([](auto op) { return op.getWeight(); })
      .Default(Value());
}

LogicalResult KernelPrinter::check() {
  if (!definition.getCore() || !definition.getSizesAttr() || !definition.getConfigsAttr() ||
      !definition.getConfig(variant.name)) {
    return definition.emitError("expected a kernel that is configured for ")
           << variant.name << "; run kern-configure with that variant first";
  }
  for (BlockArgument argument : definition.getBody().getArguments()) {
    auto cache = dyn_cast<graph::CacheType>(argument.getType());
    Type element = cache ? cache.getElementType()
                         : cast<RankedTensorType>(argument.getType()).getElementType();
    bool codes = element.isInteger(8) || element.isInteger(4);
    if (typeText(element).empty() || (cache && isa<Float8E4M3FNType>(element)) ||
        (codes && argument != weightOf(definition.getCore()))) {
      return definition.emitError("GPUs have no code for ")
             << (cache ? "a cache" : "tensors") << " of type " << element;
    }
  }
  return checkRegions();
}

/// "// @moe (layers 3-60), twice": who launches the kernel.
static std::string launches(ModuleOp module, StringRef symbol) {
  std::string lines;
  for (auto function : module.getOps<func::FuncOp>()) {
    int64_t count = 0;
    function.walk([&](kern::LaunchOp launch) { count += launch.getCallee() == symbol ? 1 : 0; });
    if (count > 0) {
      std::string path = graph::modelPath(function); // ", in @moe (layers 3-60)"
      lines += "// Launched " + path.substr(2) + ", " +
               (count == 1 ? "once" : std::to_string(count) + " times") + ".\n";
    }
  }
  return lines;
}

FailureOr<std::string> KernelPrinter::comment() {
  FailureOr<plan::Configuration> config = chosenConfig(definition, variant.name);
  if (failed(config)) {
    return failure();
  }
  std::string fields;
  for (const plan::Configuration::Field &field : config->fields) {
    fields += llvm::formatv("{0}{1}={2}", fields.empty() ? "" : ", ", field.name, field.value);
  }
  return llvm::formatv("// @{0} (kind \"{1}\"): {2}.\n{3}// For {4}: {5}, since {6}.\n",
                       definition.getSymName(), definition.getKind(),
                       definition.getCore()->getName().getStringRef(),
                       launches(module, definition.getSymName()), variant.name, fields,
                       config->reason)
      .str();
}

std::string KernelPrinter::parameter(Value argument, const std::string &type,
                                     const std::string &name, const std::string &shape) {
  // Pages are written and read by the same kernel; destinations overlap nothing.
  bool pages = isa<graph::CacheType>(argument.getType());
  return llvm::formatv("    {0} *{1}{2}, // {3}\n", type, pages ? "" : "__restrict__ ", name,
                       shape);
}

std::string KernelPrinter::parameters() {
  std::string lines;
  for (BlockArgument argument : definition.getBody().getArguments()) {
    if (auto cache = dyn_cast<graph::CacheType>(argument.getType())) {
      bool written = isa<kern::RopeAppendOp>(definition.getCore());
      lines += parameter(
          argument, (written ? "" : "const ") + typeText(cache.getElementType()),
          text.pages(argument),
          llvm::formatv("[pages, {0}, {1}]", cache.getPage(), cache.getLatent() + cache.getRope()));
      lines += parameter(argument, "const int32", text.pageTable(argument),
                         llvm::formatv("[{0}, pages of {1} tokens]", cache.getMaxRequests(),
                                       cache.getMaxContext()));
      continue;
    }
    auto type = cast<RankedTensorType>(argument.getType());
    lines += parameter(argument, text.element(argument), text.name(argument),
                       graph::spell(graph::extentsOf(type)));
  }
  for (StringRef size : definition.getSizesAttr().getAsValueRange<StringAttr>()) {
    lines += llvm::formatv("    int64 {0},\n", size);
  }
  return lines + "    uint64 *mark, uint32 number";
}

FailureOr<std::string> KernelPrinter::run() {
  if (failed(check())) {
    return failure();
  }
  FailureOr<std::string> head = comment();
  if (failed(head)) {
    return failure();
  }
  FailureOr<FamilyText> family = printFamily(text);
  if (failed(family)) {
    return failure();
  }
  std::string name = plan::gpuFunctionName(definition.getSymName().str());
  std::string lines = *head;
  lines += "#include \"runtime/kernels/cuda/family/" + family->header + ".cuh\"\n\n";
  lines += "using namespace dsv3::gpu;\n\n" + family->declarations;
  lines += family->persistent ? plan::persistentLine : "";
  if (!family->clusters.empty()) {
    lines += std::string(plan::clustersLine) + family->clusters + ")\n";
  }
  std::string maps;
  for (const FamilyText::TensorMap &map : family->tensorMaps) {
    lines += std::string(plan::tensorMapLine) + map.matrix + ")\n";
    maps += ",\n    const __grid_constant__ TensorMap " + map.parameter;
  }
  lines += maps.empty() ? "" : "\n";
  std::string begin =
      llvm::formatv("extern \"C\" __global__ void {0} {1}(\n", launchBounds(text), name);
  begin += parameters() + maps + ") {\n";
  std::string body = family->checks.empty() ? "" : "  " + family->checks + "\n";
  body += variant.hasDependentLaunches() ? std::string(plan::dependentLine) + "(mark, number);\n"
                                         : "  Launch launch{mark, number};\n";
  body += "  " + family->call + "\n";
  return lines + text.linesOf(definition, begin) + text.linesOf(definition.getCore(), body) +
         text.linesOf(definition, "}\n");
}

FailureOr<plan::KernelText> printKernel(ModuleOp module, kern::DefOp definition,
                                        const plan::GpuVariant &variant, LineInfo lines) {
  FailureOr<std::string> text = KernelPrinter(module, definition, variant, lines).run();
  if (failed(text)) {
    return failure();
  }
  return plan::KernelText{definition.getSymName().str(), std::move(*text)};
}

FailureOr<std::vector<plan::KernelText>>
printKernels(ModuleOp module, const plan::GpuVariant &variant, LineInfo lines) {
  std::vector<plan::KernelText> kernels;
  for (auto definition : module.getOps<kern::DefOp>()) {
    FailureOr<plan::KernelText> text = printKernel(module, definition, variant, lines);
    if (failed(text)) {
      return failure();
    }
    kernels.push_back(std::move(*text));
  }
  return kernels;
}

} // namespace dsv3::cuda
