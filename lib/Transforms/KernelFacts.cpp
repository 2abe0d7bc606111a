//===- KernelFacts.cpp - what the family table is asked about -------------===//
#include "dsv3/Transforms/KernelFacts.h"

#include "Graph/Extent.h"
#include "Plan/Plan.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace dsv3 {

static int64_t dimOf(Value value, int64_t dim) {
  return cast<RankedTensorType>(value.getType()).getDimSize(dim);
}
static int64_t lastDim(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().back();
}

/// Fills in which size the rows of `value` are counted in, and how many there are at
/// most, from the maxima that outlining left on the definition.
static LogicalResult setRows(plan::KernelFacts &facts, kern::DefOp definition, Value value) {
  graph::Extent rows = graph::extentOf(cast<RankedTensorType>(value.getType()), 0);
  if (rows.isStatic()) {
    facts.size = -1;
    facts.maxRows = rows.value;
    return success();
  }
  auto [base, factor] = graph::DimsAttr::split(rows.name);
  facts.rowFactor = factor;
  for (auto [index, name] :
       llvm::enumerate(definition.getSizesAttr().getAsValueRange<StringAttr>())) {
    if (name == base) {
      facts.size = static_cast<int32_t>(index);
    }
  }
  ArrayAttr maxima = definition.getMaximaAttr();
  for (Attribute entry : maxima ? maxima.getValue() : ArrayRef<Attribute>()) {
    auto size = cast<graph::SizeAttr>(entry);
    if (size.getName().getValue() == base) {
      facts.maxRows = size.getMax() * factor;
      return success();
    }
  }
  return definition.emitError("size '")
         << base << "' has no maximum; run dsv3-make-entry-points first";
}

static void setCache(plan::KernelFacts &facts, Value cache) {
  auto type = cast<graph::CacheType>(cache.getType());
  facts.latent = type.getLatent();
  facts.rope = type.getRope();
  facts.pageTokens = type.getPage();
  facts.cache = *planir::dtypeOf(type.getElementType());
}

static DType elementOf(Value value) {
  // Weights and rows have types that plans have, by the constraints of their ops.
  return *planir::dtypeOf(cast<RankedTensorType>(value.getType()).getElementType());
}

/// What divides the places, in elements, at which rows and heads of `value` begin: a power of two.
static int64_t beginsOf(Value value) {
  auto view = value.getDefiningOp<kern::ViewOp>();
  auto source = cast<RankedTensorType>((view ? view.getSource() : value).getType());
  int64_t row = 1;
  for (int64_t size : source.getShape().drop_front()) {
    row *= size;
  }
  int64_t places =
      row | (view ? static_cast<int64_t>(view.getOffset() | view.getStride()) : lastDim(value));
  return places & -places;
}

/// Whether a prologue makes bf16 of a weight's elements.
static bool roundsToBf16(Region &prologue) {
  return !prologue.empty() && prologue.front().getTerminator()->getOperand(0).getType().isBF16();
}

template <typename OpT>
static void setWeight(plan::KernelFacts &facts, OpT op) {
  facts.weight = elementOf(op.getWeight());
  if (op.getBlock()) {
    facts.scaleColumns = (*op.getBlock())[1];
  }
  facts.rounded = roundsToBf16(op.getPrologue());
}

/// What both attentions have.
template <typename OpT>
static void setAttention(plan::KernelFacts &facts, OpT op) {
  setCache(facts, op.getCache());
  facts.heads = dimOf(op.getResult(), 1);
  facts.rows = elementOf(op.getQuery());
  facts.rowsBegin = std::min(beginsOf(op.getQuery()), beginsOf(op.getRopeQuery()));
}

/// Of a core op with a stage that makes codes of e4m3 of its last results.
template <typename OpT>
static void setStage(plan::KernelFacts &facts, OpT op, Value codes) {
  if (op.getQuantiseGroup() && elementOf(codes) == DType::F8E4M3) {
    facts.codeGroup = static_cast<int64_t>(*op.getQuantiseGroup());
  }
}

/// What products have alike.
template <typename OpT>
static void setProduct(plan::KernelFacts &facts, OpT op) {
  setWeight(facts, op);
  setStage(facts, op, op.getResult());
  facts.rows = elementOf(op.getA());
  facts.rowsBegin = beginsOf(op.getA());
  facts.result = elementOf(op.getDestination());
  facts.resultBegins = beginsOf(op.getDestination());
  facts.k = lastDim(op.getWeight());
  facts.parts = static_cast<int64_t>(op.getParts());
  facts.inPlace = op.getInPlace();
}

FailureOr<plan::KernelFacts> kernelFacts(kern::DefOp definition) {
  plan::KernelFacts facts;
  Operation *core = definition.getCore();
  // Rows are those of the first result, but where the op says otherwise.
  Value rows = core->getResult(0);
  facts.n = lastDim(core->getResult(0));
  llvm::TypeSwitch<Operation *>(core)
      .Case([&](kern::RowwiseOp op) {
        // With a stage, codes and scales come last.
        setStage(facts, op, *std::prev(op.getOutputs().end(), op.getQuantiseGroup() ? 2 : 1));
      })
      .Case([&](kern::GemmOp op) {
        setProduct(facts, op);
        int64_t rank = cast<RankedTensorType>(op.getWeight().getType()).getRank();
        facts.groups = rank == 3 ? dimOf(op.getWeight(), 0) : 1;
        facts.n = dimOf(op.getWeight(), rank - 2) / facts.parts; // codes are of all heads
      })
      .Case([&](kern::GroupedGemmOp op) {
        setProduct(facts, op);
        facts.groups = dimOf(op.getWeight(), 0);
      })
      .Case([&](kern::RopeAppendOp op) {
        setCache(facts, op.getCache());
        facts.heads = dimOf(op.getResult(), 1);
      })
      .Case([&](kern::LatentAttentionOp op) {
        setAttention(facts, op);
        facts.keyParts = static_cast<int64_t>(op.getParts().value_or(1));
      })
      .Case([&](kern::AttentionCombineOp op) {
        facts.keyParts = static_cast<int64_t>(op.getParts());
        facts.heads = dimOf(op.getResult(), 1);
        facts.latent = lastDim(op.getResult());
      })
      .Case([&](kern::ExpandedAttentionOp op) {
        setAttention(facts, op);
        setWeight(facts, op);
        facts.nope = lastDim(op.getQuery());
        facts.value = lastDim(op.getResult());
      })
      .Case([&](kern::ExpandLatentsOp op) {
        setCache(facts, op.getCache());
        facts.weight = elementOf(op.getWeight());
        facts.heads = dimOf(op.getKeys(), 1);
        facts.nope = dimOf(op.getKeys(), 2);
        facts.value = dimOf(op.getValues(), 1);
        facts.keyRows = dimOf(op.getKeys(), 0);
        facts.requests = static_cast<int64_t>(op.getCache().getType().getMaxRequests());
        facts.rowsBegin = facts.nope; // nothing is a view
        rows = op.getPositions();
      })
      .Case([&](kern::PrefillAttentionOp op) {
        facts.rows = elementOf(op.getQuery());
        facts.rowsBegin = std::min(beginsOf(op.getQuery()), beginsOf(op.getRopeQuery()));
        facts.heads = dimOf(op.getKeys(), 1);
        facts.nope = dimOf(op.getKeys(), 2);
        facts.rope = lastDim(op.getRopeKeys());
        facts.value = dimOf(op.getValues(), 1);
      })
      .Case([&](kern::RouterOp op) {
        facts.groups = lastDim(op.getLogits());
        facts.expertGroups = static_cast<int64_t>(op.getGroups());
        facts.topK = lastDim(op.getExperts());
      })
      .Case([&](kern::DispatchOp op) {
        facts.groups = dimOf(op.getOffsets(), 0) - 1;
        rows = op.getExperts();
      })
      .Case([&](kern::SampleOp op) { facts.n = lastDim(op.getX()); })
      .Default([](Operation *) {});
  if (failed(setRows(facts, definition, rows))) {
    return failure();
  }
  return facts;
}

static bool isChosen(const plan::Configuration &config, DictionaryAttr chosen) {
  auto number = [&](StringRef name) {
    auto value = chosen.getAs<IntegerAttr>(name);
    return value ? std::optional<int64_t>(value.getInt()) : std::nullopt;
  };
  auto tiles = chosen.getAs<DenseI64ArrayAttr>("tiles");
  const plan::TileCount &wanted = config.tiles;
  return config.legal && tiles &&
         llvm::equal(tiles.asArrayRef(),
                     ArrayRef<int64_t>{wanted.size, wanted.factor, wanted.divisor, wanted.times,
                                       wanted.plus}) &&
         number("scratch") == config.scratchBytes &&
         llvm::all_of(config.fields, [&](const plan::Configuration::Field &field) {
           return number(field.name) == field.value;
         });
}

FailureOr<plan::Configuration> chosenConfig(kern::DefOp definition, StringRef variant) {
  FailureOr<plan::KernelFacts> facts = kernelFacts(definition);
  if (failed(facts)) {
    return failure();
  }
  DictionaryAttr chosen = definition.getConfig(variant);
  for (const plan::Configuration &config : plan::enumerateConfigs(
           *plan::familyFromName(*definition.getFamily()), std::string_view(variant), *facts)) {
    if (isChosen(config, chosen)) {
      return config;
    }
  }
  return definition.emitError("its configuration for ")
         << variant << " is none of the family table; run kern-configure again";
}

} // namespace dsv3
