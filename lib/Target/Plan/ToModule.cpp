//===- ToModule.cpp - a plan as a module of the plan dialect --------------===//
//
// Writes names for indices; what a name cannot say is refused by plan::validate.
//
//===----------------------------------------------------------------------===//
#include "Plan/Plan.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Target/Plan.h"

#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace dsv3 {
namespace {

/// Builds the ops of one plan.
class ModuleBuilder {
public:
  ModuleBuilder(MLIRContext &context, const plan::Plan &plan) : builder(&context), plan(plan) {}

  OwningOpRef<ModuleOp> build();

private:
  void addTables();
  void add(const plan::Parameter &parameter);
  void add(const plan::Kernel &kernel);
  void add(const plan::Entry &entry);
  void add(const plan::Entry &entry, const plan::Instruction &instruction);

  Location location() { return builder.getUnknownLoc(); }
  StringAttr string(StringRef text) { return builder.getStringAttr(text); }
  IntegerAttr number(int64_t value) { return builder.getI64IntegerAttr(value); }
  DenseI64ArrayAttr numbers(ArrayRef<int64_t> values) {
    return builder.getDenseI64ArrayAttr(values);
  }
  TypeAttr type(DType type) { return TypeAttr::get(planir::typeOf(type, builder.getContext())); }
  /// The name of a size, as an attribute.
  StringAttr size(int32_t index) { return string(plan.sizes[size_t(index)].name); }
  ArrayAttr sizes(ArrayRef<int32_t> indices);
  ArrayAttr layouts(ArrayRef<plan::Layout> layouts);
  planir::TilesAttr tiles(const plan::Kernel &kernel, const plan::TileCount &tiles);
  /// Ports and observations have the same fields.
  template <typename T>
  ArrayAttr ports(const std::vector<T> &ports);
  planir::ArgAttr arg(const plan::Entry &entry, const plan::Arg &arg);
  /// Runs `fill` with the insertion point in a new block of `region`.
  void within(Region &region, function_ref<void()> fill);

  OpBuilder builder;
  const plan::Plan &plan;
};

} // namespace

void ModuleBuilder::within(Region &region, function_ref<void()> fill) {
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&region);
  fill();
}

ArrayAttr ModuleBuilder::sizes(ArrayRef<int32_t> indices) {
  SmallVector<Attribute> names;
  for (int32_t index : indices) {
    names.push_back(size(index));
  }
  return builder.getArrayAttr(names);
}

ArrayAttr ModuleBuilder::layouts(ArrayRef<plan::Layout> layouts) {
  SmallVector<Attribute> list;
  for (const plan::Layout &layout : layouts) {
    list.push_back(planir::LayoutAttr::get(builder.getContext(), planir::LayoutKind(layout.kind),
                                           layout.panelWidth));
  }
  return builder.getArrayAttr(list);
}

planir::TilesAttr ModuleBuilder::tiles(const plan::Kernel &kernel, const plan::TileCount &tiles) {
  StringAttr counted = tiles.size < 0 ? StringAttr() : size(kernel.sizes[size_t(tiles.size)]);
  return planir::TilesAttr::get(builder.getContext(), counted, tiles.factor, tiles.divisor,
                                tiles.times, tiles.plus);
}

template <typename T>
ArrayAttr ModuleBuilder::ports(const std::vector<T> &ports) {
  SmallVector<Attribute> list;
  for (const T &port : ports) {
    list.push_back(planir::PortAttr::get(builder.getContext(), string(port.name),
                                         type(port.type).getValue(), size(port.size),
                                         port.columns));
  }
  return builder.getArrayAttr(list);
}

planir::ArgAttr ModuleBuilder::arg(const plan::Entry &entry, const plan::Arg &arg) {
  auto make = [&](planir::ArgKind kind, Attribute name, int64_t number) {
    return planir::ArgAttr::get(builder.getContext(), kind, name, number);
  };
  auto index = size_t(arg.index);
  switch (arg.kind) {
  case plan::ArgKind::Arena:
    return make(planir::ArgKind::Arena, {}, arg.offset);
  case plan::ArgKind::Formal:
    return make(planir::ArgKind::Formal, {}, arg.index);
  case plan::ArgKind::Parameter:
  case plan::ArgKind::Scales:
    return make(arg.kind == plan::ArgKind::Scales ? planir::ArgKind::Scales
                                                  : planir::ArgKind::Parameter,
                FlatSymbolRefAttr::get(string(plan.parameters[index].name)), 0);
  case plan::ArgKind::Input:
    return make(planir::ArgKind::Input, string(entry.inputs[index].name), 0);
  case plan::ArgKind::Output:
    return make(planir::ArgKind::Output, string(entry.outputs[index].name), 0);
  case plan::ArgKind::Cache:
    return make(planir::ArgKind::Cache, {}, 0);
  case plan::ArgKind::PageTable:
    return make(planir::ArgKind::PageTable, {}, 0);
  }
  llvm_unreachable("a kind of argument that has no text");
}

void ModuleBuilder::addTables() {
  for (const plan::Variant &variant : plan.variants) {
    planir::VariantOp::create(builder, location(), variant.name, variant.object, variant.checksum);
  }
  const plan::Cache &cache = plan.cache;
  planir::CacheOp::create(builder, location(), type(cache.type), number(cache.layers),
                          number(cache.latent), number(cache.rope), number(cache.pageTokens),
                          number(cache.maxContext), number(cache.maxRequests));
}

void ModuleBuilder::add(const plan::Parameter &parameter) {
  auto op = planir::ParameterOp::create(
      builder, location(), string(parameter.name), type(parameter.type),
      parameter.stored ? type(*parameter.stored) : TypeAttr(),
      numbers({parameter.groups, parameter.rows, parameter.columns}),
      parameter.scaleRows == 0 ? DenseI64ArrayAttr()
                               : numbers({parameter.scaleRows, parameter.scaleColumns}),
      number(parameter.parts), numbers(parameter.layers), layouts(parameter.layouts));
  within(op.getSegments(), [&] {
    for (const plan::Segment &segment : parameter.segments) {
      SmallVector<int64_t, 2> shape{segment.fileRows};
      if (segment.fileColumns != 0) {
        shape.push_back(segment.fileColumns);
      }
      planir::SegmentOp::create(builder, location(), string(segment.key),
                                segment.scaleKey.empty() ? StringAttr() : string(segment.scaleKey),
                                numbers(shape), number(segment.rows), number(segment.firstRow),
                                number(segment.groupStride),
                                segment.transposed ? builder.getUnitAttr() : UnitAttr());
    }
  });
}

void ModuleBuilder::add(const plan::Kernel &kernel) {
  SmallVector<Attribute> counts;
  SmallVector<int64_t> scratch;
  for (const plan::KernelVariant &variant : kernel.variants) {
    counts.push_back(tiles(kernel, variant.tiles));
    scratch.push_back(variant.scratchBytes);
  }
  planir::KernelOp::create(builder, location(), string(kernel.symbol), string(kernel.family),
                           sizes(kernel.sizes), builder.getArrayAttr(counts), numbers(scratch));
}

void ModuleBuilder::add(const plan::Entry &entry, const plan::Instruction &instruction) {
  IntegerAttr layer = instruction.layer < 0 ? IntegerAttr() : number(instruction.layer);
  SmallVector<Attribute> list;
  for (const plan::Arg &argument : instruction.args) {
    list.push_back(arg(entry, argument));
  }
  ArrayAttr args = builder.getArrayAttr(list);
  auto target = size_t(instruction.target);
  switch (instruction.opcode) {
  case plan::Opcode::Launch:
    planir::LaunchOp::create(builder, location(),
                             FlatSymbolRefAttr::get(string(plan.kernels[target].symbol)), layer,
                             args);
    return;
  case plan::Opcode::Call:
    planir::CallOp::create(builder, location(), string(entry.bodies[target].name), layer, args);
    return;
  case plan::Opcode::Observe:
    planir::ObserveOp::create(builder, location(), string(entry.observations[target].name), layer,
                              args);
    return;
  }
}

void ModuleBuilder::add(const plan::Entry &entry) {
  NamedAttrList maxima;
  for (auto [size, maximum] : llvm::zip_equal(plan.sizes, entry.maxima)) {
    maxima.append(size.name, number(maximum));
  }
  auto op = planir::EntryOp::create(
      builder, location(), string(entry.name), string(entry.role), number(entry.minTokens),
      number(entry.maxTokens), maxima.getDictionary(builder.getContext()), number(entry.arenaBytes),
      ports(entry.inputs), ports(entry.outputs), ports(entry.observations));
  within(op.getBody(), [&] {
    for (const plan::Body &body : entry.bodies) {
      auto bodyOp = planir::BodyOp::create(builder, location(), string(body.name));
      within(bodyOp.getBody(), [&] {
        for (const plan::Instruction &instruction : body.instructions) {
          add(entry, instruction);
        }
      });
    }
    for (const plan::Instruction &instruction : entry.instructions) {
      add(entry, instruction);
    }
  });
}

OwningOpRef<ModuleOp> ModuleBuilder::build() {
  OwningOpRef<ModuleOp> module = ModuleOp::create(location());
  builder.setInsertionPointToEnd(module->getBody());
  SmallVector<Attribute> names;
  for (const plan::Size &size : plan.sizes) {
    names.push_back(string(size.name));
  }
  auto op = planir::PlanOp::create(
      builder, location(), string(plan.identity), string(plan.policy), string(plan.families),
      number(plan.vocabSize), number(plan.hiddenSize), number(plan.layers),
      builder.getArrayAttr(names),
      plan.scaleBlock.empty() ? DenseI64ArrayAttr() : numbers(plan.scaleBlock));
  within(op.getBody(), [&] {
    addTables();
    for (const plan::Parameter &parameter : plan.parameters) {
      add(parameter);
    }
    for (const plan::Kernel &kernel : plan.kernels) {
      add(kernel);
    }
    for (const plan::Entry &entry : plan.entries) {
      add(entry);
    }
  });
  return module;
}

OwningOpRef<ModuleOp> toModule(MLIRContext &context, const plan::Plan &plan) {
  context.getOrLoadDialect<planir::PlanDialect>();
  if (Status status = plan::validate(plan); !status) {
    emitError(UnknownLoc::get(&context)) << status.failure().message();
    return nullptr;
  }
  OwningOpRef<ModuleOp> module = ModuleBuilder(context, plan).build();
  return succeeded(verify(*module)) ? std::move(module) : nullptr;
}

} // namespace dsv3
