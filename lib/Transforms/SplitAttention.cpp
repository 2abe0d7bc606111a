//===- SplitAttention.cpp - the keys of a token among many tiles ----------===//
#include "Common.h"

#include "dsv3/Plan/Names.h"

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_SPLITATTENTION
#include "dsv3/Transforms/Passes.h.inc"

namespace {

/// The most rows that a result of the kernel has.
int64_t mostRows(kern::DefOp definition, RankedTensorType type) {
  if (!type.isDynamicDim(0)) {
    return type.getDimSize(0);
  }
  ArrayAttr maxima = definition.getMaximaAttr();
  auto sizes = llvm::map_range(maxima ? maxima.getValue() : ArrayRef<Attribute>(),
                               [](Attribute size) { return cast<graph::SizeAttr>(size); });
  int64_t most = 1;
  for (graph::SizeAttr size : sizes) {
    if (size.getName().getValue() == StringRef(plan::sizeTokens)) {
      most = size.getMax();
    }
  }
  return most;
}

struct SplitAttention : impl::SplitAttentionBase<SplitAttention> {
  using SplitAttentionBase::SplitAttentionBase;

  /// In how many parts a kernel of these heads should divide the keys of such a cache, for each of
  /// up to `tokens` tokens.
  int64_t partsFor(int64_t heads, int64_t tokens, graph::CacheType cache) const {
    constexpr int64_t fewTokens = 16;
    int64_t wanted =
        std::max<int64_t>(pieces, lonePieces / std::max<int64_t>(1, tokens / fewTokens));
    auto page = static_cast<int64_t>(cache.getPage());
    int64_t pages = (static_cast<int64_t>(cache.getMaxContext()) + page - 1) / page;
    return std::min({int64_t(mostParts), std::max<int64_t>(1, wanted / heads), pages});
  }

  /// How many pages a part has at the least.
  int64_t leastPages(int64_t heads, int64_t tokens) const {
    constexpr int64_t fewHeads = 64;
    int64_t times = tokens == 1 ? 1 : std::max<int64_t>(1, heads / fewHeads);
    return std::max<int64_t>(1, partPages * times);
  }

  void runOnOperation() override {
    llvm::MapVector<StringRef, kern::DefOp> combines; // by the attention's name
    for (auto definition : llvm::to_vector(getOperation().getOps<kern::DefOp>())) {
      auto attention = dyn_cast_or_null<kern::LatentAttentionOp>(definition.getCore());
      if (!attention || attention.getParts()) {
        continue;
      }
      auto type = cast<RankedTensorType>(attention.getResult().getType());
      int64_t rows = mostRows(definition, type);
      int64_t parts = partsFor(type.getDimSize(1), rows, attention.getCache().getType());
      if (parts < 2) {
        remark::missed(definition.getLoc(), remarkOptions("split-attention", definition))
            << sentence("the keys are not divided: {0} heads are enough work, or one page is all",
                        type.getDimSize(1));
        continue;
      }
      combines[definition.getSymName()] = split(definition, attention, parts);
      int64_t pages = leastPages(type.getDimSize(1), rows);
      attention.setPartPages(static_cast<uint64_t>(pages));
      remark::passed(definition.getLoc(), remarkOptions("split-attention", definition))
          << sentence("{0} heads and up to {1} parts of the keys, of at least {2} {3}",
                      type.getDimSize(1), parts, pages, pages == 1 ? "page" : "pages");
    }
    getOperation().walk([&](kern::LaunchOp launch) {
      if (auto combine = combines.lookup(launch.getCallee())) {
        relaunch(launch, combine);
      }
    });
  }

  /// Has the definition leave parts. The new definition that combines them.
  kern::DefOp split(kern::DefOp definition, kern::LatentAttentionOp attention, int64_t parts) {
    Location loc = definition.getLoc();
    auto type = cast<RankedTensorType>(attention.getResult().getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = parts * (shape.back() + 2);
    auto partials =
        RankedTensorType::get(shape, Float32Type::get(&getContext()), type.getEncoding());

    OpBuilder builder(&getContext());
    builder.setInsertionPointAfter(definition);
    IntegerAttr partsAttr = builder.getI64IntegerAttr(parts);
    auto combine = kern::DefOp::create(
        builder, loc, builder.getStringAttr(definition.getSymName() + "_combine"),
        builder.getStringAttr("attention_combine"), builder.getI64IntegerAttr(1),
        builder.getStringAttr("attention_combine"), definition.getSizesAttr(),
        definition.getMaximaAttr(), DictionaryAttr());
    SymbolTable(getOperation()).insert(combine); // under a name of its own
    Block &body = combine.getBody().emplaceBlock();
    Value from = body.addArgument(partials, loc), to = body.addArgument(type, loc);
    builder.setInsertionPointToStart(&body);
    auto core = kern::AttentionCombineOp::create(builder, loc, type, from, to, partsAttr);
    kern::YieldOp::create(builder, loc, core.getResult());

    attention.getDestination().setType(partials);
    attention.setPartsAttr(partsAttr);
    attention.getResult().setType(partials);
    return combine;
  }

  void relaunch(kern::LaunchOp launch, kern::DefOp combine) {
    OpBuilder builder(launch);
    Location loc = launch.getLoc();
    Type partials = combine.getInputs().front().getType();
    Value empty = kern::EmptyOp::create(builder, loc, partials);
    Value destination = launch.getDestinations().front(), result = launch.getResult(0);
    builder.setInsertionPointAfter(launch);
    auto combined = kern::LaunchOp::create(builder, loc, TypeRange(destination.getType()),
                                           FlatSymbolRefAttr::get(combine), result, destination);
    result.replaceAllUsesExcept(combined.getResult(0), combined);
    launch.getDestinationsMutable().assign(empty);
    result.setType(partials);
  }
};
} // namespace
} // namespace dsv3
