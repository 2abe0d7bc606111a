//===- AbsorbMla.cpp - absorbed attention for steps of few tokens ---------===//
//
// score = q_nope · (W_UK c) = (W_UKᵀ q_nope) · c, and likewise for the values: a step
// of few tokens is cheaper in the latent space, where nothing is expanded.
//
//===----------------------------------------------------------------------===//
#include "WeightReads.h"
#include "dsv3/Support/WeightEncoding.h"

#include <numeric>

using namespace mlir;

namespace dsv3 {
#define GEN_PASS_DEF_ABSORBMLA
#include "dsv3/Transforms/Passes.h.inc"

namespace {

/// W_UK [h, c, n] or W_UV [h, v, c] as a parameter made of rows of kv_b [h, n + v, c].
graph::ParameterOp makeUpProjection(graph::ParameterOp kvB, StringRef name, int64_t firstRow,
                                    int64_t rows, bool transposed) {
  std::string symbol = kvB.getSymName().rsplit('.').first.str() + "." + name.str();
  OpBuilder builder(kvB->getContext());
  auto type = cast<RankedTensorType>(kvB.getType());
  auto segment = cast<graph::SegmentAttr>(kvB.getSegments()[0]);
  int64_t latent = type.getDimSize(2);
  auto taken = graph::SegmentAttr::get(builder.getContext(), segment.getKey(),
                                       segment.getScaleKey(), segment.getShape(),
                                       transposed ? latent : rows, segment.getFirstRow() + firstRow,
                                       segment.getGroupStride(), transposed);
  DenseI64ArrayAttr block;
  if (kvB.getBlock()) {
    // Rows of the file are cut at the first one taken, in every group.
    int64_t fileRows = std::gcd((*kvB.getBlock())[0], firstRow);
    int64_t fileColumns = (*kvB.getBlock())[1];
    block = transposed ? builder.getDenseI64ArrayAttr({fileColumns, fileRows})
                       : builder.getDenseI64ArrayAttr({fileRows, fileColumns});
  }
  SmallVector<int64_t> shape{type.getDimSize(0), transposed ? latent : rows,
                             transposed ? rows : latent};
  return declareOnce(kvB, graph::ParameterOp::create(
                              builder, kvB.getLoc(), builder.getStringAttr(symbol),
                              TypeAttr::get(RankedTensorType::get(shape, type.getElementType())),
                              kvB.getStoredAttr(), block, builder.getI64IntegerAttr(1),
                              kvB.getLayersAttr(), builder.getArrayAttr({taken})));
}

struct AbsorbMla : impl::AbsorbMlaBase<AbsorbMla> {
  void runOnOperation() override {
    SmallVector<graph::MlaAttentionOp> work;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      auto form = function->getAttrOfType<StringAttr>(graph::attentionAttrName);
      function.walk([&](graph::MlaAttentionOp op) {
        if (form && form.getValue() == "absorbed") {
          work.push_back(op);
        } else {
          remark::missed(op.getLoc(), remarkOptions("absorb-mla", op))
              << "kept expanded: the function is for steps of many tokens";
        }
      });
    }
    for (graph::MlaAttentionOp op : work) {
      absorb(op);
    }
  }

  void absorb(graph::MlaAttentionOp op) {
    auto weight = op.getKvB().getDefiningOp<graph::WeightOp>();
    if (!weight) {
      remark::missed(op.getLoc(), remarkOptions("absorb-mla", op))
          << "kept expanded: kv_b is not a parameter";
      return;
    }
    auto kvB = getOperation().lookupSymbol<graph::ParameterOp>(weight.getParameter());
    if (kvB.getSegments().size() != 1 ||
        cast<graph::SegmentAttr>(kvB.getSegments()[0]).getTransposed()) {
      remark::missed(op.getLoc(), remarkOptions("absorb-mla", op))
          << "kept expanded: kv_b is not one segment of stored rows";
      return;
    }
    Type element = cast<RankedTensorType>(kvB.getType()).getElementType();
    if (std::optional<DType> codes = graph::codesOf(element); codes && isScaledAlongRows(*codes)) {
      remark::missed(op.getLoc(), remarkOptions("absorb-mla", op)) << sentence(
          "kept expanded: {0} scales kv_b along its rows, W_UK reads its columns", name(*codes));
      return;
    }
    auto queryType = cast<RankedTensorType>(op.getQNope().getType());
    auto resultType = cast<RankedTensorType>(op.getResult().getType());
    int64_t heads = queryType.getDimSize(1), nope = queryType.getDimSize(2);
    int64_t value = resultType.getDimSize(2);
    int64_t latent = cast<RankedTensorType>(kvB.getType()).getDimSize(2);
    OpBuilder builder(op);
    Location loc = op.getLoc();
    auto head = [&](Value x, graph::ParameterOp parameter, int64_t columns) -> Value {
      auto w = graph::WeightOp::create(builder, loc, parameter.getType(), parameter.getScalesType(),
                                       FlatSymbolRefAttr::get(parameter));
      auto type = RankedTensorType::get({ShapedType::kDynamic, heads, columns},
                                        resultType.getElementType(), resultType.getEncoding());
      return graph::HeadLinearOp::create(builder, loc, type, x, w.getData(), w.getScales(),
                                         parameter.getBlockAttr());
    };
    Value query = head(op.getQNope(), makeUpProjection(kvB, "w_uk", 0, nope, true), latent);
    Value mixed =
        graph::LatentAttentionOp::create(builder, loc, query, op.getQRope(), op.getCache(),
                                         op.getPositions(), op.getRequests(), op.getScaleAttr());
    Value result = head(mixed, makeUpProjection(kvB, "w_uv", nope, value, false), value);
    remark::passed(loc, remarkOptions("absorb-mla", op))
        << sentence("absorbed: {0} latent values a token instead of {1} expanded ones", latent,
                    heads * (nope + value));
    op.getResult().replaceAllUsesWith(result);
    op.erase();
    if (weight.use_empty()) {
      weight.erase();
    }
  }
};
} // namespace
} // namespace dsv3
