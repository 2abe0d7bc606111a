//===- FromModule.cpp - a module of the plan dialect as a plan ------------===//
//
// Resolves names to indices. The dialect's verifier has seen that they are declared and
// that lists have their lengths; plan::validate checks the rest.
//
//===----------------------------------------------------------------------===//
#include "Plan/Plan.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Target/Plan.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3 {
namespace {

/// Reads one plan.module.
class PlanReader {
public:
  explicit PlanReader(planir::PlanOp op) : op(op) {}

  FailureOr<plan::Plan> read();

private:
  using Indices = llvm::DenseMap<Attribute, int32_t>;

  void readTables();
  plan::Parameter parameter(planir::ParameterOp op);
  plan::Kernel kernel(planir::KernelOp op);
  plan::Entry entry(planir::EntryOp op);
  void readPorts(ArrayAttr ports, std::vector<plan::Port> &list, Indices &indices);
  std::vector<plan::Instruction> program(Region &region);
  plan::Instruction instruction(Operation *op);
  plan::Arg arg(planir::ArgAttr arg);
  /// The op that a failure of plan::validate is about.
  Operation *opAt(StringRef where);

  planir::PlanOp op;
  plan::Plan plan;
  /// By name; the last four are those of the entry that is being read.
  Indices sizes, parameters, kernels, inputs, outputs, observations, bodies;
};

} // namespace

static std::vector<int64_t> numbers(ArrayRef<int64_t> values) {
  return {values.begin(), values.end()};
}

static int32_t count(const auto &list) { return static_cast<int32_t>(list.size()); }

void PlanReader::readTables() {
  for (auto variant : op.getBody().getOps<planir::VariantOp>()) {
    plan.variants.push_back(
        {variant.getName().str(), variant.getObject().str(), variant.getChecksum().str()});
  }
  for (auto size : op.getSizes().getAsRange<StringAttr>()) {
    sizes[size] = count(plan.sizes);
    plan.sizes.push_back({size.str()});
  }
  planir::CacheOp cache = *op.getBody().getOps<planir::CacheOp>().begin();
  plan.cache = {*planir::dtypeOf(cache.getType()), int64_t(cache.getLayers()),
                int64_t(cache.getLatent()),        int64_t(cache.getRope()),
                int64_t(cache.getPage()),          int64_t(cache.getContext()),
                int64_t(cache.getRequests())};
}

plan::Parameter PlanReader::parameter(planir::ParameterOp op) {
  plan::Parameter result;
  result.name = op.getSymName().str();
  result.type = *planir::dtypeOf(op.getType());
  if (op.getStored()) {
    result.stored = planir::dtypeOf(*op.getStored());
  }
  result.groups = op.getShape()[0], result.rows = op.getShape()[1];
  result.columns = op.getShape()[2];
  if (op.getScales()) {
    result.scaleRows = (*op.getScales())[0], result.scaleColumns = (*op.getScales())[1];
  }
  result.parts = int64_t(op.getParts());
  for (auto segment : op.getSegments().getOps<planir::SegmentOp>()) {
    ArrayRef<int64_t> shape = segment.getShape();
    result.segments.push_back({segment.getKey().str(), segment.getScales().value_or("").str(),
                               shape[0], shape.size() > 1 ? shape[1] : 0,
                               int64_t(segment.getGroupStride()), int64_t(segment.getFirstRow()),
                               int64_t(segment.getRows()), segment.getTransposed()});
  }
  result.layers = numbers(op.getLayers());
  for (auto layout : op.getLayouts().getAsRange<planir::LayoutAttr>()) {
    result.layouts.push_back({plan::LayoutKind(layout.getKind()), layout.getWidth()});
  }
  return result;
}

plan::Kernel PlanReader::kernel(planir::KernelOp op) {
  plan::Kernel result;
  result.symbol = op.getSymName().str();
  result.family = op.getFamily().str();
  Indices own;
  for (Attribute size : op.getSizes()) {
    own[size] = count(result.sizes);
    result.sizes.push_back(sizes.lookup(size));
  }
  for (auto [tiles, scratch] :
       llvm::zip_equal(op.getTiles().getAsRange<planir::TilesAttr>(), op.getScratch())) {
    int32_t size = tiles.getSize() ? own.lookup(tiles.getSize()) : -1;
    result.variants.push_back(
        {{size, tiles.getFactor(), tiles.getDivisor(), tiles.getTimes(), tiles.getPlus()},
         scratch});
  }
  return result;
}

void PlanReader::readPorts(ArrayAttr ports, std::vector<plan::Port> &list, Indices &indices) {
  indices.clear();
  for (auto port : ports.getAsRange<planir::PortAttr>()) {
    indices[port.getName()] = count(list);
    list.push_back({port.getName().str(), *planir::dtypeOf(port.getType()),
                    sizes.lookup(port.getSize()), port.getColumns()});
  }
}

plan::Arg PlanReader::arg(planir::ArgAttr arg) {
  auto symbol = dyn_cast_or_null<FlatSymbolRefAttr>(arg.getName());
  int32_t index = symbol ? parameters.lookup(symbol.getAttr()) : 0;
  switch (arg.getKind()) {
  case planir::ArgKind::Arena:
    return {plan::ArgKind::Arena, 0, arg.getNumber()};
  case planir::ArgKind::Formal:
    return {plan::ArgKind::Formal, static_cast<int32_t>(arg.getNumber()), 0};
  case planir::ArgKind::Parameter:
    return {plan::ArgKind::Parameter, index, 0};
  case planir::ArgKind::Scales:
    return {plan::ArgKind::Scales, index, 0};
  case planir::ArgKind::Input:
    return {plan::ArgKind::Input, inputs.lookup(arg.getName()), 0};
  case planir::ArgKind::Output:
    return {plan::ArgKind::Output, outputs.lookup(arg.getName()), 0};
  case planir::ArgKind::Cache:
    return {plan::ArgKind::Cache, 0, 0};
  case planir::ArgKind::PageTable:
    return {plan::ArgKind::PageTable, 0, 0};
  }
  llvm_unreachable("a kind of argument that plans do not have");
}

plan::Instruction PlanReader::instruction(Operation *op) {
  plan::Instruction result;
  auto read = [&](plan::Opcode opcode, int32_t target, std::optional<uint64_t> layer,
                  ArrayAttr args) {
    result.opcode = opcode;
    result.target = target;
    result.layer = layer ? int64_t(*layer) : -1;
    for (auto argument : args.getAsRange<planir::ArgAttr>()) {
      result.args.push_back(arg(argument));
    }
  };
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](planir::LaunchOp launch) {
        read(plan::Opcode::Launch, kernels.lookup(launch.getKernelAttr().getAttr()),
             launch.getLayer(), launch.getArgs());
      })
      .Case([&](planir::CallOp call) {
        read(plan::Opcode::Call, bodies.lookup(call.getBodyAttr()), call.getLayer(),
             call.getArgs());
      })
      .Case([&](planir::ObserveOp observe) {
        read(plan::Opcode::Observe, observations.lookup(observe.getObservationAttr()),
             observe.getLayer(), observe.getArgs());
      });
  return result;
}

std::vector<plan::Instruction> PlanReader::program(Region &region) {
  std::vector<plan::Instruction> result;
  for (Operation &op : region.front()) {
    if (!isa<planir::BodyOp>(op)) {
      result.push_back(instruction(&op));
    }
  }
  return result;
}

plan::Entry PlanReader::entry(planir::EntryOp op) {
  plan::Entry result;
  result.name = op.getSymName().str();
  result.role = op.getRole().str();
  result.minTokens = int64_t(op.getMinTokens());
  result.maxTokens = int64_t(op.getMaxTokens());
  for (const plan::Size &size : plan.sizes) {
    result.maxima.push_back(op.getMaxima().getAs<IntegerAttr>(size.name).getInt());
  }
  result.arenaBytes = int64_t(op.getArena());
  readPorts(op.getInputs(), result.inputs, inputs);
  readPorts(op.getOutputs(), result.outputs, outputs);
  std::vector<plan::Port> observed;
  readPorts(op.getObservations(), observed, observations);
  for (plan::Port &port : observed) {
    result.observations.push_back({std::move(port.name), port.type, port.size, port.columns});
  }
  bodies.clear();
  for (auto [index, body] : llvm::enumerate(op.getBody().getOps<planir::BodyOp>())) {
    bodies[body.getNameAttr()] = static_cast<int32_t>(index);
  }
  for (auto body : op.getBody().getOps<planir::BodyOp>()) {
    result.bodies.push_back({body.getName().str(), program(body.getBody())});
  }
  result.instructions = program(op.getBody());
  return result;
}

Operation *PlanReader::opAt(StringRef where) {
  for (Operation &inner : op.getBody().front()) {
    std::string label =
        llvm::TypeSwitch<Operation *, std::string>(&inner)
            .Case([](planir::VariantOp op) { return ("variant '" + op.getName() + "'").str(); })
            .Case([](planir::CacheOp) { return "cache"; })
            .Case([](planir::ParameterOp op) {
              return ("parameter '" + op.getSymName() + "'").str();
            })
            .Case([](planir::KernelOp op) { return ("kernel '" + op.getSymName() + "'").str(); })
            .Case([](planir::EntryOp op) { return ("entry '" + op.getSymName() + "'").str(); })
            .Default([](Operation *) { return std::string(); });
    StringRef rest = where;
    if (!label.empty() && rest.consume_front(label) && (rest.empty() || rest.front() == ',')) {
      return &inner;
    }
  }
  return op;
}

FailureOr<plan::Plan> PlanReader::read() {
  plan.identity = op.getIdentity().str();
  plan.policy = op.getPolicy().str();
  plan.families = op.getFamilies().str();
  plan.vocabSize = int64_t(op.getVocab());
  plan.hiddenSize = int64_t(op.getHidden());
  plan.layers = int64_t(op.getLayers());
  if (op.getScaleBlock()) {
    plan.scaleBlock = numbers(*op.getScaleBlock());
  }
  readTables();
  for (auto inner : op.getBody().getOps<planir::ParameterOp>()) {
    parameters[inner.getSymNameAttr()] = count(plan.parameters);
    plan.parameters.push_back(parameter(inner));
  }
  for (auto inner : op.getBody().getOps<planir::KernelOp>()) {
    kernels[inner.getSymNameAttr()] = count(plan.kernels);
    plan.kernels.push_back(kernel(inner));
  }
  for (auto inner : op.getBody().getOps<planir::EntryOp>()) {
    plan.entries.push_back(entry(inner));
  }
  if (Status status = plan::validate(plan); !status) {
    return opAt(status.failure().where)->emitError(status.failure().where)
           << ": " << status.failure().what;
  }
  return std::move(plan);
}

FailureOr<plan::Plan> fromModule(ModuleOp module) {
  auto plans = llvm::to_vector(module.getOps<planir::PlanOp>());
  if (plans.size() != 1) {
    return module.emitError("expected one plan.module, found ")
           << plans.size() << "; hint: dsv3-translate --plan-to-mlir writes one";
  }
  return PlanReader(plans.front()).read();
}

} // namespace dsv3
