//===- KernelToPlan.cpp - a module of kernels as a plan -------------------===//
#include "dsv3/Conversion/KernelToPlan.h"

#include "FunctionPlanner.h"
#include "Graph/Extent.h"
#include "Plan/Plan.h"
#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/Names.h"
#include "dsv3/Transforms/Remarks.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3 {
namespace {

/// Fills the tables of a plan, then its entries.
class ModulePlanner {
public:
  explicit ModulePlanner(ModuleOp module) : module(module) {}
  FailureOr<plan::Plan> run();

private:
  LogicalResult addVariants();
  LogicalResult addParameters();
  LogicalResult addKernels();
  LogicalResult addEntry(func::FuncOp function);
  LogicalResult addPorts(func::FuncOp function, plan::Entry &entry);
  LogicalResult setLayouts();
  LogicalResult setLayouts(plan::Parameter &parameter, kern::LaunchOp launch, unsigned index,
                           kern::DefOp &reader);

  ModuleOp module;
  plan::Plan result;
  PlanTables tables;
};

} // namespace

static std::string stringAttr(ModuleOp module, StringRef name) {
  auto attribute = module->getAttrOfType<StringAttr>(name);
  return attribute ? attribute.str() : std::string();
}

/// The variants that the kernels are configured for: those of the first, which the others
/// must have too.
LogicalResult ModulePlanner::addVariants() {
  auto definitions = module.getOps<kern::DefOp>();
  if (definitions.empty()) {
    return module.emitError("expected kernels to plan, found none; run dsv3-outline-kernels first");
  }
  for (kern::DefOp definition : definitions) {
    if (!definition.getFamily() || !definition.getSizesAttr() || !definition.getConfigsAttr()) {
      return definition.emitError("kernel without a configuration; run kern-configure first");
    }
  }
  for (NamedAttribute config : (*definitions.begin()).getConfigsAttr()) {
    std::string name = config.getName().str();
    if (!plan::isVariant(name)) {
      return (*definitions.begin()).emitError("unknown variant '") << name << "'";
    }
    std::string_view ending =
        plan::findGpuVariant(name) ? plan::textFileEnding : plan::objectFileEnding;
    result.variants.push_back({name, name + std::string(ending), ""});
  }
  return success();
}

LogicalResult ModulePlanner::addParameters() {
  for (auto op : module.getOps<graph::ParameterOp>()) {
    plan::Parameter parameter;
    parameter.name = op.getSymName().str();
    FailureOr<DType> type = planType(cast<RankedTensorType>(op.getType()).getElementType(), op);
    FailureOr<DType> stored = planType(op.getStoredType(), op);
    if (failed(type) || failed(stored)) {
      return failure();
    }
    parameter.type = *type;
    if (op.getStored()) {
      parameter.stored.emplace(*stored);
    }
    auto [groups, rows, columns] = op.getExtents();
    parameter.groups = groups, parameter.rows = rows, parameter.columns = columns;
    if (op.getBlock()) {
      parameter.scaleRows = (*op.getBlock())[0];
      parameter.scaleColumns = (*op.getBlock())[1];
    }
    parameter.parts = static_cast<int64_t>(op.getParts());
    for (Attribute attribute : op.getSegments()) {
      auto segment = cast<graph::SegmentAttr>(attribute);
      plan::Segment piece;
      piece.key = segment.getKey().str();
      piece.scaleKey = segment.getScaleKey() ? segment.getScaleKey().str() : "";
      piece.fileRows = segment.getShape()[0];
      piece.fileColumns = segment.getShape().size() > 1 ? segment.getShape()[1] : 0;
      piece.groupStride = segment.getGroupStride();
      piece.firstRow = segment.getFirstRow();
      piece.rows = segment.getRows();
      piece.transposed = segment.getTransposed();
      parameter.segments.push_back(std::move(piece));
    }
    if (op.getLayers()) {
      parameter.layers.assign(op.getLayers()->begin(), op.getLayers()->end());
    }
    parameter.layouts.assign(result.variants.size(), plan::Layout());
    tables.parameters[parameter.name] = static_cast<int32_t>(result.parameters.size());
    result.parameters.push_back(std::move(parameter));
  }
  return success();
}

LogicalResult ModulePlanner::addKernels() {
  for (auto definition : module.getOps<kern::DefOp>()) {
    plan::Kernel kernel;
    kernel.symbol = definition.getSymName().str();
    kernel.family = definition.getFamily().value_or("").str();
    for (StringRef name : definition.getSizesAttr().getAsValueRange<StringAttr>()) {
      auto found = tables.sizes.find(name);
      if (found == tables.sizes.end()) {
        return definition.emitError("size '") << name << "' is not one of any entry's sizes";
      }
      kernel.sizes.push_back(found->second);
    }
    for (const plan::Variant &variant : result.variants) {
      DictionaryAttr config = definition.getConfig(variant.name);
      if (!config) {
        return definition.emitError("expected a configuration for ")
               << variant.name << "; run kern-configure first";
      }
      // Every configuration has them: kern.def's verifier.
      auto tiles = config.getAs<DenseI64ArrayAttr>("tiles");
      auto scratch = config.getAs<IntegerAttr>("scratch");
      kernel.variants.push_back(
          {{static_cast<int32_t>(tiles[0]), tiles[1], tiles[2], tiles[3], tiles[4]},
           scratch.getInt()});
    }
    tables.kernels[kernel.symbol] = static_cast<int32_t>(result.kernels.size());
    result.kernels.push_back(std::move(kernel));
  }
  return success();
}

/// The weight of a core op, which its family may read in a layout of its own; null if it
/// has none.
static Value weightOf(Operation *core) {
  return llvm::TypeSwitch<Operation *, Value>(core)
      .Case<kern::GemmOp, kern::GroupedGemmOp, kern::ExpandedAttentionOp>(
          [](auto op) { return op.getWeight(); })
      .Default(Value());
}

/// The type of the rows that the weight of a core op is multiplied with.
static DType rowsOf(Operation *core) {
  return llvm::TypeSwitch<Operation *, DType>(core)
      .Case<kern::GemmOp, kern::GroupedGemmOp>([](auto op) {
        return *planir::dtypeOf(cast<RankedTensorType>(op.getA().getType()).getElementType());
      })
      .Default(DType::F32);
}

/// Whether a core op reads its weight in place.
static bool readsInPlace(Operation *core) {
  return llvm::TypeSwitch<Operation *, bool>(core)
      .Case<kern::GemmOp, kern::GroupedGemmOp>([](auto op) { return op.getInPlace(); })
      .Default(false);
}

/// Sets the parameter's layouts to those that the launch reads it in, as its operand
/// `index`. Fails if `reader`, which is set by its first launch, wants others.
LogicalResult ModulePlanner::setLayouts(plan::Parameter &parameter, kern::LaunchOp launch,
                                        unsigned index, kern::DefOp &reader) {
  auto definition = module.lookupSymbol<kern::DefOp>(launch.getCallee());
  bool isWeight = weightOf(definition.getCore()) == definition.getInputs()[index];
  std::vector<plan::Layout> wanted;
  wanted.reserve(result.variants.size());
  for (const plan::Variant &variant : result.variants) {
    wanted.push_back(isWeight ? plan::weightLayout(*plan::familyFromName(*definition.getFamily()),
                                                   variant.name, parameter.type,
                                                   rowsOf(definition.getCore()),
                                                   readsInPlace(definition.getCore()))
                              : plan::Layout());
  }
  if (!reader) {
    reader = definition;
    parameter.layouts = std::move(wanted);
    return success();
  }
  if (parameter.layouts == wanted) {
    return success();
  }
  return launch.emitError("kernels @")
         << reader.getSymName() << " and @" << definition.getSymName() << " want parameter @"
         << parameter.name << " in different layouts; give each of them a parameter of its own";
}

/// Each parameter gets the layouts that the kernels which read it want.
LogicalResult ModulePlanner::setLayouts() {
  std::vector<kern::DefOp> readers(result.parameters.size());
  WalkResult walked = module.walk([&](kern::LaunchOp launch) {
    for (auto [index, input] : llvm::enumerate(launch.getInputs())) {
      auto read = input.getDefiningOp<graph::WeightOp>();
      if (!read || input != read.getData()) {
        continue; // scales lie as their weight does
      }
      auto parameter = static_cast<size_t>(tables.parameters.lookup(read.getParameter()));
      if (failed(setLayouts(result.parameters[parameter], launch, static_cast<unsigned>(index),
                            readers[parameter]))) {
        return WalkResult::interrupt();
      }
    }
    return WalkResult::advance();
  });
  return failure(walked.wasInterrupted());
}

LogicalResult ModulePlanner::addPorts(func::FuncOp function, plan::Entry &entry) {
  auto port = [&](Type type, Attribute attribute) -> FailureOr<plan::Port> {
    auto tensor = dyn_cast<RankedTensorType>(type);
    auto name = dyn_cast_if_present<StringAttr>(attribute);
    bool named = tensor && tensor.getRank() > 0 && graph::extentOf(tensor, 0).name && name;
    if (!named) {
      return function.emitError("expected ports with a name and a named number of rows, found ")
             << type;
    }
    FailureOr<RowCount> rows = rowsOf(tensor, tables, function);
    FailureOr<DType> element = planType(tensor.getElementType(), function);
    if (failed(rows) || failed(element)) {
      return failure();
    }
    if (rows->factor != 1) {
      return function.emitError("expected ports with a row for each of a named size, found ")
             << type;
    }
    return plan::Port{name.str(), *element, rows->size, columnsOf(tensor)};
  };
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    if (auto cache = dyn_cast<graph::CacheType>(type)) {
      FailureOr<DType> element = planType(cache.getElementType(), function);
      if (failed(element)) {
        return failure();
      }
      result.cache.type = *element;
      result.cache.latent = cache.getLatent();
      result.cache.rope = cache.getRope();
      result.cache.pageTokens = cache.getPage();
      result.cache.maxContext = cache.getMaxContext();
      result.cache.maxRequests = cache.getMaxRequests();
      continue;
    }
    FailureOr<plan::Port> made = port(type, function.getArgAttr(index, graph::nameAttrName));
    if (failed(made)) {
      return failure();
    }
    entry.inputs.push_back(*made);
  }
  for (auto [index, type] : llvm::enumerate(function.getResultTypes())) {
    FailureOr<plan::Port> made = port(type, function.getResultAttr(index, graph::nameAttrName));
    if (failed(made)) {
      return failure();
    }
    entry.outputs.push_back(*made);
    if (made->name == plan::portLogits) {
      result.vocabSize = made->columns;
    } else if (made->name == plan::portNormed) {
      result.hiddenSize = made->columns;
    }
  }
  return success();
}

/// Moves the frame of a body behind the buffers of the entry.
static void shiftArena(std::vector<plan::Instruction> &instructions, int64_t offset) {
  for (plan::Instruction &instruction : instructions) {
    for (plan::Arg &arg : instruction.args) {
      if (arg.kind == plan::ArgKind::Arena) {
        arg.offset += offset;
      }
    }
  }
}

LogicalResult ModulePlanner::addEntry(func::FuncOp function) {
  auto info = function->getAttrOfType<DictionaryAttr>(graph::entryAttrName);
  plan::Entry entry;
  entry.name = function.getSymName().str();
  entry.role = info.getAs<StringAttr>(graph::entryRoleKey).str();
  entry.minTokens = info.getAs<IntegerAttr>(graph::entryMinTokensKey).getInt();
  entry.maxTokens = info.getAs<IntegerAttr>(graph::entryMaxTokensKey).getInt();
  entry.maxima.assign(result.sizes.size(), 1);
  tables.maxima.clear();
  for (Attribute attribute : info.getAs<ArrayAttr>(graph::entrySizesKey)) {
    auto size = cast<graph::SizeAttr>(attribute);
    entry.maxima[static_cast<size_t>(tables.sizes.lookup(size.getName()))] = size.getMax();
    tables.maxima[size.getName()] = size.getMax();
  }
  if (failed(addPorts(function, entry))) {
    return failure();
  }
  llvm::StringMap<int32_t> bodies;
  SmallVector<func::FuncOp> callees;
  int64_t layers = 0;
  function.walk([&](graph::CallLayerOp call) {
    layers = std::max(layers, static_cast<int64_t>(call.getLayer()) + 1);
    if (bodies.try_emplace(call.getCallee(), static_cast<int32_t>(callees.size())).second) {
      callees.push_back(module.lookupSymbol<func::FuncOp>(call.getCallee()));
    }
  });
  result.cache.layers = std::max(result.cache.layers, layers);
  if (entry.role == plan::roleStep) {
    result.layers = layers;
  }
  FunctionPlanner planner(function, tables, bodies, entry.observations, /*isEntry=*/true);
  FailureOr<std::vector<plan::Instruction>> program = planner.plan();
  if (failed(program)) {
    return failure();
  }
  entry.instructions = std::move(*program);
  int64_t frame = 0, separate = planner.separateBytes();
  for (func::FuncOp callee : callees) {
    FunctionPlanner body(callee, tables, bodies, entry.observations, /*isEntry=*/false);
    FailureOr<std::vector<plan::Instruction>> instructions = body.plan();
    if (failed(instructions)) {
      return failure();
    }
    shiftArena(*instructions, planner.frameBytes());
    frame = std::max(frame, body.frameBytes());
    separate += body.separateBytes();
    entry.bodies.push_back({callee.getSymName().str(), std::move(*instructions)});
  }
  entry.arenaBytes = planner.frameBytes() + frame;
  remark::analysis(function.getLoc(),
                   remarkOptions("kernels-to-plan", function).function(entry.name))
      << sentence("an arena of {0} bytes; {1} if no two buffers shared bytes", entry.arenaBytes,
                  separate);
  result.entries.push_back(std::move(entry));
  return success();
}

FailureOr<plan::Plan> ModulePlanner::run() {
  result.identity = stringAttr(module, graph::identityAttrName);
  result.policy = stringAttr(module, graph::policyAttrName);
  result.families = plan::familyTableHash();
  if (auto block = module->getAttrOfType<DenseI64ArrayAttr>(graph::scaleBlockAttrName)) {
    result.scaleBlock.assign(block.asArrayRef().begin(), block.asArrayRef().end());
  }
  SmallVector<func::FuncOp> entries;
  for (auto function : module.getOps<func::FuncOp>()) {
    auto info = function->getAttrOfType<DictionaryAttr>(graph::entryAttrName);
    auto sizes = info ? info.getAs<ArrayAttr>(graph::entrySizesKey) : ArrayAttr();
    if (info && !sizes) {
      return function.emitError("entry without sizes; run dsv3-make-entry-points first");
    }
    for (Attribute attribute : sizes ? sizes.getValue() : ArrayRef<Attribute>()) {
      StringRef name = cast<graph::SizeAttr>(attribute).getName();
      if (tables.sizes.try_emplace(name, static_cast<int32_t>(result.sizes.size())).second) {
        result.sizes.push_back({name.str()});
      }
    }
    if (info) {
      entries.push_back(function);
    }
  }
  if (failed(addVariants())) {
    return failure();
  }
  if (failed(addParameters()) || failed(addKernels()) || failed(setLayouts())) {
    return failure();
  }
  for (func::FuncOp function : entries) {
    if (failed(addEntry(function))) {
      return failure();
    }
  }
  return std::move(result);
}

FailureOr<plan::Plan> planModule(ModuleOp module) { return ModulePlanner(module).run(); }

} // namespace dsv3
