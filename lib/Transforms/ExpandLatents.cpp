//===- ExpandLatents.cpp - keys and values of a prompt, expanded once -----===//
#include "Common.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_EXPANDLATENTS
#include "dsv3/Transforms/Passes.h.inc"

namespace {

/// What the two kernels have in place of one.
struct Expanded {
  kern::DefOp expand, attend;
  SmallVector<unsigned> kept; ///< inputs that attention still has
  unsigned weight, positions, requests, cache;
};

struct ExpandLatents : impl::ExpandLatentsBase<ExpandLatents> {
  using ExpandLatentsBase::ExpandLatentsBase;

  void runOnOperation() override {
    llvm::MapVector<StringRef, SmallVector<kern::LaunchOp>> launches;
    getOperation().walk(
        [&](kern::LaunchOp launch) { launches[launch.getCallee()].push_back(launch); });
    for (auto definition : llvm::to_vector(getOperation().getOps<kern::DefOp>())) {
      auto attention = dyn_cast_or_null<kern::ExpandedAttentionOp>(definition.getCore());
      if (!attention) {
        continue;
      }
      SmallVector<kern::LaunchOp> calls = launches.lookup(definition.getSymName());
      if (std::string refusal = refuse(attention, calls); !refusal.empty()) {
        remark::missed(definition.getLoc(), remarkOptions("expand-latents", definition))
            << "keys are expanded page by page: " + refusal;
        continue;
      }
      remark::passed(definition.getLoc(), remarkOptions("expand-latents", definition)) << sentence(
          "keys and values are expanded once a step, into {0} bytes", bytesOf(attention));
      Expanded made = split(definition, attention);
      for (kern::LaunchOp launch : calls) {
        relaunch(launch, made);
      }
    }
  }

  static SmallVector<RankedTensorType> expandedTypes(kern::ExpandedAttentionOp op) {
    graph::CacheType cache = op.getCache().getType();
    auto query = cast<RankedTensorType>(op.getQuery().getType());
    auto result = cast<RankedTensorType>(op.getResult().getType());
    int64_t rows = static_cast<int64_t>(cache.getMaxRequests()) *
                   kern::expandedRows(static_cast<int64_t>(cache.getMaxContext()));
    int64_t heads = query.getDimSize(1);
    Type bf16 = BFloat16Type::get(op.getContext());
    return {RankedTensorType::get({rows, heads, query.getDimSize(2)}, bf16),
            RankedTensorType::get({rows, static_cast<int64_t>(cache.getRope())}, bf16),
            RankedTensorType::get({heads, result.getDimSize(2), rows}, bf16)};
  }
  static int64_t bytesOf(kern::ExpandedAttentionOp op) {
    int64_t elements = 0;
    for (RankedTensorType type : expandedTypes(op)) {
      elements += type.getNumElements();
    }
    return elements * 2;
  }

  /// Why the keys stay as they are; empty if they are to be expanded.
  std::string refuse(kern::ExpandedAttentionOp op, ArrayRef<kern::LaunchOp> calls) {
    constexpr int64_t columns = 128, box = 64;
    graph::CacheType cache = op.getCache().getType();
    auto query = cast<RankedTensorType>(op.getQuery().getType());
    auto result = cast<RankedTensorType>(op.getResult().getType());
    if (!query.getElementType().isBF16() || !result.getElementType().isBF16() ||
        !cache.getElementType().isBF16()) {
      return "queries, results or cache are not bf16";
    }
    if (query.getDimSize(2) != columns || result.getDimSize(2) != columns ||
        cache.getLatent() % box != 0 || cache.getRope() % box != 0 ||
        columns % cache.getPage() != 0) {
      return "warp groups multiply 128 columns of keys and of values, and whole boxes of latents";
    }
    if (bytesOf(op) > mostBytes) {
      return std::to_string(bytesOf(op)) + " bytes for the whole context are more than " +
             std::to_string(mostBytes);
    }
    if (!llvm::all_of(ValueRange{op.getWeight(), op.getPositions(), op.getRequests()},
                      llvm::IsaPred<BlockArgument>)) {
      return "kv_b, positions or requests are parts of other buffers";
    }
    unsigned weight = cast<BlockArgument>(op.getWeight()).getArgNumber();
    for (kern::LaunchOp launch : calls) {
      auto read = launch.getInputs()[weight].getDefiningOp<graph::WeightOp>();
      if (!read || !llvm::all_of(readersOf(read), [&](Operation *reader) {
            return llvm::is_contained(calls, reader);
          })) {
        return "other kernels read kv_b";
      }
    }
    return "";
  }

  /// Who reads the parameter's elements or scales.
  SmallVector<Operation *> readersOf(graph::WeightOp of) {
    SmallVector<Operation *> readers;
    getOperation().walk([&](graph::WeightOp read) {
      if (read.getParameter() == of.getParameter()) {
        llvm::append_range(readers, read->getUsers());
      }
    });
    return readers;
  }

  Expanded split(kern::DefOp definition, kern::ExpandedAttentionOp op) {
    auto argument = [](Value value) { return cast<BlockArgument>(value).getArgNumber(); };
    Expanded made{{},
                  {},
                  {},
                  argument(op.getWeight()),
                  argument(op.getPositions()),
                  argument(op.getRequests()),
                  argument(op.getCache())};
    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(definition);
    Location loc = definition.getLoc();
    SmallVector<RankedTensorType> types = expandedTypes(op);
    auto define = [&](const Twine &name, StringRef family, StringAttr kind, size_t inputs) {
      return kern::DefOp::create(builder, loc, builder.getStringAttr(name), kind,
                                 builder.getI64IntegerAttr(static_cast<int64_t>(inputs)),
                                 builder.getStringAttr(family), definition.getSizesAttr(),
                                 definition.getMaximaAttr(), DictionaryAttr());
    };

    auto weightType = cast<RankedTensorType>(op.getWeight().getType()).clone(builder.getBF16Type());
    made.expand = define(definition.getSymName() + "_expand", "expand_latents",
                         builder.getStringAttr("expand_latents"), 4);
    Block &expand = made.expand.getBody().emplaceBlock();
    Value weight = expand.addArgument(weightType, loc);
    Value positions = expand.addArgument(op.getPositions().getType(), loc);
    Value requests = expand.addArgument(op.getRequests().getType(), loc);
    Value cache = expand.addArgument(op.getCache().getType(), loc);
    SmallVector<Value> places;
    for (RankedTensorType type : types) {
      places.push_back(expand.addArgument(type, loc));
    }
    builder.setInsertionPointToStart(&expand);
    auto core =
        kern::ExpandLatentsOp::create(builder, loc, types[0], types[1], types[2], weight, positions,
                                      requests, cache, places[0], places[1], places[2]);
    kern::YieldOp::create(builder, loc, core->getResults());

    for (BlockArgument input : definition.getInputs()) {
      if (input != op.getWeight() && input != op.getScales() && input != op.getCache()) {
        made.kept.push_back(input.getArgNumber());
      }
    }
    builder.setInsertionPointAfter(definition);
    made.attend = define(definition.getSymName(), "prefill_attention", definition.getKindAttr(),
                         made.kept.size() + types.size());
    Block &attend = made.attend.getBody().emplaceBlock();
    IRMapping mapping;
    for (unsigned index : made.kept) {
      BlockArgument input = definition.getInputs()[index];
      mapping.map(input, attend.addArgument(input.getType(), loc));
    }
    SmallVector<Value> expanded;
    for (RankedTensorType type : types) {
      expanded.push_back(attend.addArgument(type, loc));
    }
    mapping.map(op.getDestination(), attend.addArgument(op.getDestination().getType(), loc));
    builder.setInsertionPointToStart(&attend);
    for (Operation &view : definition.getBody().front()) {
      if (isa<kern::ViewOp>(view)) {
        builder.clone(view, mapping);
      }
    }
    auto of = [&](Value value) { return mapping.lookup(value); };
    auto attention = kern::PrefillAttentionOp::create(
        builder, op.getLoc(), op.getResult().getType(), of(op.getQuery()), of(op.getRopeQuery()),
        expanded[0], expanded[1], expanded[2], of(op.getPositions()), of(op.getRequests()),
        of(op.getDestination()),
        builder.getI64IntegerAttr(static_cast<int64_t>(op.getCache().getType().getMaxContext())),
        op.getScaleAttr());
    kern::YieldOp::create(builder, loc, attention.getResult());
    definition.erase();
    SymbolTable symbols(getOperation());
    symbols.insert(made.expand); // under a name of its own
    return made;
  }

  /// The parameter's elements are made when it is read, as bf16; those that would be encoded from
  /// bf16 stay as they are.
  Value widened(graph::WeightOp read) {
    auto parameter = getOperation().lookupSymbol<graph::ParameterOp>(read.getParameter());
    OpBuilder builder(read);
    auto type = cast<RankedTensorType>(parameter.getType());
    if (!type.getElementType().isBF16()) {
      Type stored = parameter.getStoredType();
      parameter.setType(type.clone(builder.getBF16Type()));
      if (stored.isBF16()) {
        parameter.removeStoredAttr();
      } else {
        parameter.setStoredAttr(TypeAttr::get(stored));
      }
      parameter.removeBlockAttr();
    }
    if (read.getData().getType() == parameter.getType()) {
      return read.getData();
    }
    auto made = graph::WeightOp::create(builder, read.getLoc(), parameter.getType(),
                                        parameter.getScalesType(), read.getParameterAttr());
    return made.getData();
  }

  void relaunch(kern::LaunchOp launch, const Expanded &made) {
    OpBuilder builder(launch);
    Location loc = launch.getLoc();
    OperandRange inputs = launch.getInputs();
    auto read = inputs[made.weight].getDefiningOp<graph::WeightOp>();
    SmallVector<Value> places;
    SmallVector<Type> types;
    kern::DefOp expand = made.expand;
    for (BlockArgument place : expand.getDestinations()) {
      types.push_back(place.getType());
      places.push_back(kern::EmptyOp::create(builder, loc, place.getType()));
    }
    auto expanded = kern::LaunchOp::create(builder, loc, types, FlatSymbolRefAttr::get(made.expand),
                                           ValueRange{widened(read), inputs[made.positions],
                                                      inputs[made.requests], inputs[made.cache]},
                                           places);
    SmallVector<Value> kept;
    for (unsigned index : made.kept) {
      kept.push_back(inputs[index]);
    }
    llvm::append_range(kept, expanded->getResults());
    auto attended =
        kern::LaunchOp::create(builder, loc, launch->getResultTypes(),
                               FlatSymbolRefAttr::get(made.attend), kept, launch.getDestinations());
    launch->replaceAllUsesWith(attended->getResults());
    launch.erase();
    if (read->use_empty()) {
      read.erase();
    }
  }
};
} // namespace
} // namespace dsv3
