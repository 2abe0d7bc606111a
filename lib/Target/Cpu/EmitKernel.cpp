//===- EmitKernel.cpp - the functions of a kernel -------------------------===//
//
// Two functions: the outer one unpacks the ABI's arrays, the inner one has a
// parameter for each pointer, so that LLVM can be told that destinations overlap
// nothing.
//
//===----------------------------------------------------------------------===//
#include "EmitKernel.h"

#include "AttentionParts.h"
#include "KernelCode.h"
#include "dsv3/Transforms/KernelFacts.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3::cpu {
namespace {

class KernelEmitter {
public:
  KernelEmitter(ModuleOp module, kern::DefOp definition, const plan::CpuVariant &variant)
      : module(module), definition(definition), variant(variant),
        builder(OpBuilder::atBlockEnd(module.getBody())),
        pointer(LLVM::LLVMPointerType::get(module.getContext())) {}

  LogicalResult run();

private:
  LogicalResult checkTypes();
  LogicalResult emitTiles(StringRef name);
  void emitEntry(StringRef tiles);
  /// Pointers that the kernel has: one for an argument, two for a cache.
  SmallVector<Type> pointers();

  ModuleOp module;
  kern::DefOp definition;
  const plan::CpuVariant &variant;
  OpBuilder builder;
  Type pointer;
};

} // namespace

SmallVector<Type> KernelEmitter::pointers() {
  SmallVector<Type> types;
  for (BlockArgument argument : definition.getBody().getArguments()) {
    types.append(isa<graph::CacheType>(argument.getType()) ? 2 : 1, pointer);
  }
  return types;
}

/// What a core op reads as f32. Not what is widened (weights, tables, operands of regions), nor the
/// rows of products, which may be narrow.
static SmallVector<Value> activationsOf(Operation *core) {
  return llvm::TypeSwitch<Operation *, SmallVector<Value>>(core)
      .Case([](kern::CombineOp op) { return SmallVector<Value>{op.getX()}; })
      .Case([](kern::ConcatOp op) { return SmallVector<Value>{op.getLhs(), op.getRhs()}; })
      .Case([](kern::AttentionCombineOp op) { return SmallVector<Value>{op.getPartials()}; })
      .Case([](kern::RopeAppendOp op) { return SmallVector<Value>{op.getQuery(), op.getKv()}; })
      .Case<kern::LatentAttentionOp, kern::ExpandedAttentionOp>(
          [](auto op) { return SmallVector<Value>{op.getQuery(), op.getRopeQuery()}; })
      .Default(SmallVector<Value>{});
}

static bool hasPrologue(Operation *core) {
  return llvm::TypeSwitch<Operation *, bool>(core)
      .Case<kern::GemmOp, kern::GroupedGemmOp, kern::ExpandedAttentionOp>(
          [](auto op) { return !op.getPrologue().empty(); })
      .Default(false);
}

/// The rows that a product reads; null for other core ops.
static Value rowsOfProduct(Operation *core) {
  return llvm::TypeSwitch<Operation *, Value>(core)
      .Case<kern::GemmOp, kern::GroupedGemmOp>([](auto op) { return op.getA(); })
      .Default(Value());
}

/// The panels in which a product computes its results; 0 for other core ops, and where the
/// configuration does not say.
static int64_t panelOfProduct(Operation *core, DictionaryAttr config) {
  auto panel = config.getAs<IntegerAttr>("nr");
  return rowsOfProduct(core) && panel ? panel.getInt() : 0;
}

/// Whether there is code for the stage `quantise` of a kernel, if it has one.
static LogicalResult checkStage(kern::DefOp definition, DictionaryAttr config) {
  Operation *core = definition.getCore();
  auto group = core->getAttrOfType<IntegerAttr>("quantise_group");
  if (!group) {
    return success();
  }
  if (auto gemm = dyn_cast<kern::GemmOp>(core);
      gemm && cast<RankedTensorType>(gemm.getA().getType()).getRank() == 3) {
    return definition.emitError("the CPU has no code for heads that leave a product as codes");
  }
  int64_t panel = panelOfProduct(core, config);
  if (panel % group.getInt() != 0) {
    return definition.emitError("the CPU has no code for results quantised by groups of ")
           << group.getInt() << " columns, which its panels of " << panel << " would cut";
  }
  return success();
}

/// The CPU reads and stores f32 and i32; codes of i8 and bf16 as rows of products; of a cache,
/// bf16 and f16.
LogicalResult KernelEmitter::checkTypes() {
  auto refuse = [&](Type type, StringRef what) {
    return definition.emitError("the CPU has no code for ")
           << what << " of type " << type << "; compile with --policy=f32";
  };
  for (BlockArgument argument : definition.getBody().getArguments()) {
    if (auto cache = dyn_cast<graph::CacheType>(argument.getType())) {
      if (!isa<Float32Type, BFloat16Type, Float16Type>(cache.getElementType())) {
        return refuse(cache.getElementType(), "a cache");
      }
      if (cache.getPage() % keysAtOnce != 0) {
        return definition.emitError("the CPU has no code for pages of ")
               << cache.getPage() << " tokens, no multiple of " << keysAtOnce;
      }
    }
  }
  for (BlockArgument destination : definition.getDestinations()) {
    Type element = cast<RankedTensorType>(destination.getType()).getElementType();
    if (!element.isF32() && !element.isBF16() && !element.isInteger(32) && !element.isInteger(8)) {
      return refuse(element, "results");
    }
  }
  Operation *core = definition.getCore();
  if (Value rows = rowsOfProduct(core)) {
    Type element = cast<RankedTensorType>(rows.getType()).getElementType();
    if (!element.isF32() && !element.isBF16() && !element.isInteger(8)) {
      return refuse(element, "activations");
    }
  }
  if (failed(checkStage(definition, definition.getConfig(variant.name)))) {
    return failure();
  }
  for (Value rows : activationsOf(definition.getCore())) {
    Type element = cast<RankedTensorType>(rows.getType()).getElementType();
    if (!element.isF32()) {
      return refuse(element, "activations");
    }
  }
  if (hasPrologue(definition.getCore())) {
    return definition.emitError("the CPU has no code for a prologue of a weight; compile with "
                                "--policy=f32");
  }
  // Regions are computed in f32, which holds every constant of a narrower type; rounding
  // to another type in between is not emitted, but at the end, where it is stored.
  for (Region &region : definition.getCore()->getRegions()) {
    for (Operation &op : region.getOps()) {
      bool computes =
          op.getNumResults() == 1 && !isa<arith::ConstantOp>(op) && !isRoundedWhenStored(op);
      if (computes && !op.getResult(0).getType().isF32()) {
        return refuse(op.getResult(0).getType(), "values in scalar regions");
      }
    }
  }
  return success();
}

/// The code of one tile. Fails for a core op that has no emitter.
static LogicalResult emitTile(const KernelCode &kernel, Num tile) {
  kern::DefOp definition = kernel.definition;
  bool known = true;
  llvm::TypeSwitch<Operation *>(definition.getCore())
      .Case([&](kern::RowwiseOp op) { emitRowwise(kernel, op, tile); })
      .Case([&](kern::GemmOp op) { emitGemm(kernel, op, tile); })
      .Case([&](kern::GroupedGemmOp op) { emitGroupedGemm(kernel, op, tile); })
      .Case([&](kern::GatherOp op) { emitGather(kernel, op, tile); })
      .Case([&](kern::ConcatOp op) { emitConcat(kernel, op, tile); })
      .Case([&](kern::CombineOp op) { emitCombine(kernel, op, tile); })
      .Case([&](kern::RopeTableOp op) { emitRopeTable(kernel, op, tile); })
      .Case([&](kern::RopeAppendOp op) { emitRopeAppend(kernel, op, tile); })
      .Case([&](kern::LatentAttentionOp op) { emitLatentAttention(kernel, op, tile); })
      .Case([&](kern::AttentionCombineOp op) { emitAttentionCombine(kernel, op, tile); })
      .Case([&](kern::ExpandedAttentionOp op) { emitExpandedAttention(kernel, op, tile); })
      .Case([&](kern::RouterOp op) { emitRouter(kernel, op, tile); })
      .Case([&](kern::DispatchOp op) { emitDispatch(kernel, op, tile); })
      .Case([&](kern::SampleOp op) { emitSample(kernel, op, tile); })
      .Default([&](Operation *) { known = false; });
  return known ? success()
               : definition.emitError("the CPU has no code for '")
                     << definition.getCore()->getName() << "'";
}

LogicalResult KernelEmitter::emitTiles(StringRef name) {
  Location loc = definition.getLoc();
  Type i64 = builder.getI64Type();
  SmallVector<Type> parameters = pointers();
  ArrayAttr sizes = definition.getSizesAttr();
  parameters.append(sizes.size(), i64);
  parameters.append({i64, i64, pointer}); // first tile, end, scratch
  auto function =
      LLVM::LLVMFuncOp::create(builder, loc, name, LLVM::LLVMFunctionType::get(i64, parameters));
  function.setLinkage(LLVM::Linkage::Internal);
  OpBuilder::InsertionGuard guard(builder);
  Block *entry = function.addEntryBlock(builder);
  builder.setInsertionPointToStart(entry);

  Code code(builder, loc, *entry, variant);
  KernelCode kernel(code, definition, definition.getConfig(variant.name));
  unsigned next = 0;
  auto take = [&] { return function.getArgument(next++); };
  for (BlockArgument argument : definition.getBody().getArguments()) {
    if (auto type = dyn_cast<graph::CacheType>(argument.getType())) {
      Memory pages(code, take(), type.getElementType()), table(code, take(), code.i32());
      kernel.caches[argument] = {pages, table, type};
      continue;
    }
    bool written = llvm::is_contained(definition.getDestinations(), argument);
    if (written) {
      function.setArgAttr(next, LLVM::LLVMDialect::getNoAliasAttrName(), builder.getUnitAttr());
    }
    Type element = cast<RankedTensorType>(argument.getType()).getElementType();
    kernel.arguments[argument] = Memory(code, take(), element);
  }
  for (StringRef size : sizes.getAsValueRange<StringAttr>()) {
    kernel.sizes[size] = take();
  }
  Num begin = code.wrap(take()), end = code.wrap(take());
  function.setArgAttr(next, LLVM::LLVMDialect::getNoAliasAttrName(), builder.getUnitAttr());
  kernel.scratch = take();
  kernel.error = code.variable(code.integer(static_cast<int64_t>(plan::KernelError::None)));
  LogicalResult emitted = success();
  code.loop(begin, end, 1, [&](Num tile) { emitted = emitTile(kernel, tile); });
  LLVM::ReturnOp::create(builder, loc, kernel.error->get().value);
  return emitted;
}

void KernelEmitter::emitEntry(StringRef tiles) {
  Location loc = definition.getLoc();
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  auto function = LLVM::LLVMFuncOp::create(
      builder, loc, definition.getSymName(),
      LLVM::LLVMFunctionType::get(i32, {pointer, pointer, i32, i32, pointer}));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(function.addEntryBlock(builder));
  auto element = [&](Value array, Type type, int64_t index) -> Value {
    Value place = LLVM::GEPOp::create(builder, loc, pointer, type, array,
                                      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index)});
    return LLVM::LoadOp::create(builder, loc, type, place);
  };
  SmallVector<Value> arguments;
  for (size_t i = 0, count = pointers().size(); i < count; ++i) {
    arguments.push_back(element(function.getArgument(0), pointer, static_cast<int64_t>(i)));
  }
  for (size_t i = 0, count = definition.getSizesAttr().size(); i < count; ++i) {
    arguments.push_back(element(function.getArgument(1), i64, static_cast<int64_t>(i)));
  }
  for (unsigned index : {2U, 3U}) {
    arguments.push_back(LLVM::ZExtOp::create(builder, loc, i64, function.getArgument(index)));
  }
  arguments.push_back(function.getArgument(4));
  Value status = LLVM::CallOp::create(builder, loc, TypeRange(i64), tiles, arguments).getResult();
  Value narrow = LLVM::TruncOp::create(builder, loc, i32, status);
  LLVM::ReturnOp::create(builder, loc, narrow);
}

LogicalResult KernelEmitter::run() {
  if (!definition.getCore() || !definition.getSizesAttr() || !definition.getConfig(variant.name)) {
    return definition.emitError("expected a kernel that is configured for ")
           << variant.name << "; run kern-configure with that variant first";
  }
  if (failed(checkTypes()) || failed(chosenConfig(definition, variant.name))) {
    return failure();
  }
  std::string tiles = (definition.getSymName() + ".tiles").str();
  if (failed(emitTiles(tiles))) {
    return failure();
  }
  emitEntry(tiles);
  return success();
}

LogicalResult emitKernel(ModuleOp module, kern::DefOp definition, const plan::CpuVariant &variant) {
  return KernelEmitter(module, definition, variant).run();
}

} // namespace dsv3::cpu
