//===- EncodeWeights.cpp - weights of products in fewer bits --------------===//
//
// Changes declarations: a parameter gets another element type and keeps its segments, and
// its readers get the scales. The numbers are made when parameters are read, by the
// functions of dsv3/Support/WeightEncoding.h.
//
//===----------------------------------------------------------------------===//
#include "Common.h"
#include "Plan/Plan.h"
#include "dsv3/Support/WeightEncoding.h"
#include "dsv3/Transforms/Precision.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

#include <numeric>

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_ENCODEWEIGHTS
#include "dsv3/Transforms/Passes.h.inc"

Status checkEncodings(const std::string &weights, const std::string &head) {
  if (!weights.empty() && !encodingFromName(weights)) {
    return Failure{"expected " + encodingNames() + ", found '" + weights + "'", "--weights",
                   "leave it out to keep weights as they are stored"};
  }
  // Logits tell more of a token than 4 bits of each weight leave.
  if (!head.empty() && (!encodingFromName(head) || encodingFromName(head) == DType::I4)) {
    return Failure{"expected bf16, fp8 or int8, found '" + head + "'", "--head",
                   "leave it out to keep the head as it is stored"};
  }
  return {};
}

namespace {

/// What the readers of a parameter do with it.
enum class Reader : uint8_t { Product, UpProjection, Head, Other };

Reader readerOf(OpOperand &use) {
  return llvm::TypeSwitch<Operation *, Reader>(use.getOwner())
      .Case([&](graph::LinearOp op) {
        bool routes = llvm::any_of(op->getUsers(), llvm::IsaPred<graph::RouterOp>);
        return routes ? Reader::Other : Reader::Product;
      })
      .Case<graph::ExpertsOp>([](auto) { return Reader::Product; })
      .Case<graph::MlaAttentionOp>([](auto) { return Reader::UpProjection; })
      .Case<graph::LmHeadOp>([](auto) { return Reader::Head; })
      .Default(Reader::Other);
}

/// Gives `op`, which reads a weight as operand `index`, other scales; null: none.
void setScales(Operation *op, unsigned index, Value scales, DenseI64ArrayAttr block) {
  auto assign = [&](MutableOperandRange operand) {
    operand.assign(scales ? ValueRange(scales) : ValueRange());
  };
  llvm::TypeSwitch<Operation *>(op)
      .Case<graph::LinearOp, graph::MlaAttentionOp, graph::LmHeadOp>([&](auto op) {
        op.setBlockAttr(block);
        assign(op.getScalesMutable());
      })
      .Case([&](graph::ExpertsOp op) {
        if (index == op.getGateUpMutable().getOperandNumber()) {
          op.setGateUpBlockAttr(block);
          assign(op.getGateUpScalesMutable());
        } else {
          op.setDownBlockAttr(block);
          assign(op.getDownScalesMutable());
        }
      });
}

/// The block of scales of a parameter whose tensors are encoded in blocks of `encoded`: it
/// ends where segments and groups begin.
SmallVector<int64_t> blockWithin(graph::ParameterOp parameter, std::array<int64_t, 2> encoded) {
  int64_t rows = encoded[0], first = 0;
  for (auto segment : parameter.getSegments().getAsRange<graph::SegmentAttr>()) {
    for (int64_t border : {first, segment.getFirstRow(), segment.getGroupStride()}) {
      rows = std::gcd(rows, border);
    }
    first += segment.getRows();
  }
  return {rows, encoded[1]};
}

struct EncodeWeights : impl::EncodeWeightsBase<EncodeWeights> {
  using EncodeWeightsBase::EncodeWeightsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (Status known = checkEncodings(weights, head); !known) {
      module.emitError(known.failure().where)
          << ": " << known.failure().what << "; hint: " << known.failure().hint;
      return signalPassFailure();
    }
    llvm::MapVector<StringRef, SmallVector<graph::WeightOp>> reads;
    module.walk([&](graph::WeightOp op) { reads[op.getParameter()].push_back(op); });
    for (auto &[name, ops] : reads) {
      // The verifier of dsv3.weight knows that there is one.
      encode(module.lookupSymbol<graph::ParameterOp>(name), ops);
    }
  }

  void encode(graph::ParameterOp parameter, ArrayRef<graph::WeightOp> reads) {
    std::optional<Reader> reader;
    for (graph::WeightOp read : reads) {
      for (OpOperand &use : read.getData().getUses()) {
        Reader found = readerOf(use);
        reader = reader.value_or(found) == found ? found : Reader::Other;
      }
    }
    std::optional<DType> wanted = encodingFromName(reader == Reader::Head ? head : weights);
    if (!wanted || !reader || *reader == Reader::Other) {
      return;
    }
    auto remarks = [&] { return remarkOptions("encode-weights", parameter); };
    Type stored = parameter.getStoredType();
    if (*reader == Reader::UpProjection && isScaledAlongRows(*wanted)) {
      remark::missed(parameter.getLoc(), remarks()) << sentence(
          "@{0} stays {1}: absorbed attention reads it by columns, which {2} gives no scales",
          parameter.getSymName(), stored, name(*wanted));
      return;
    }
    Type element = planir::typeOf(*wanted, &getContext());
    if (element == stored) {
      remark::missed(parameter.getLoc(), remarks())
          << sentence("@{0} is stored as {1}", parameter.getSymName(), stored);
      return;
    }
    parameter.setType(cast<RankedTensorType>(parameter.getType()).clone(element));
    parameter.setStoredAttr(TypeAttr::get(stored));
    parameter.removeBlockAttr();
    OpBuilder builder(&getContext());
    if (scaleForm(*wanted)) {
      parameter.setBlockAttr(
          builder.getDenseI64ArrayAttr(blockWithin(parameter, encodingBlock(*wanted))));
    }
    for (graph::WeightOp read : reads) {
      builder.setInsertionPoint(read);
      auto encoded = graph::WeightOp::create(builder, read.getLoc(), parameter.getType(),
                                             parameter.getScalesType(), read.getParameterAttr());
      SmallVector<std::pair<Operation *, unsigned>> readers;
      for (OpOperand &use : read.getData().getUses()) {
        readers.push_back({use.getOwner(), use.getOperandNumber()});
      }
      for (auto [op, index] : readers) {
        op->setOperand(index, encoded.getData());
        setScales(op, index, encoded.getScales(), parameter.getBlockAttr());
      }
      read.erase();
    }
    remark::passed(parameter.getLoc(), remarks())
        << sentence("@{0}: {1} as {2}", parameter.getSymName(), stored, element);
  }
};
} // namespace
} // namespace dsv3
