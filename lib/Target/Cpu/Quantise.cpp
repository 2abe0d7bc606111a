//===- Quantise.cpp - numbers as codes with a scale -----------------------===//
#include "Quantise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <bit>

using namespace mlir;

namespace dsv3::cpu {

QuantiseStage QuantiseStage::of(const KernelCode &kernel, int64_t group, Value codes,
                                Value scales) {
  return {kernel.rows(codes), kernel.rows(scales), group};
}

void forVectors(const Code &code, int64_t count, llvm::function_ref<void(int64_t, int64_t)> body) {
  for (int64_t begin = 0; begin < count; begin += code.lanes()) {
    body(begin, std::min(code.lanes(), count - begin));
  }
}

static Type likeWith(Value value, Type element) {
  auto vector = dyn_cast<VectorType>(value.getType());
  return vector ? Type(vector.clone(element)) : element;
}

/// The largest magnitude among the lanes of `values`, at least `least`; NaN where one is a NaN:
/// magnitudes are in the order of their bits, above all of which those of NaNs are.
static Num largestMagnitude(Code &code, ArrayRef<Num> values, float least) {
  OpBuilder &b = code.builder;
  Location loc = code.loc;
  Value largest = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(std::bit_cast<int>(least)));
  Value ofVectors;
  auto fold = [&](Value bits) {
    Value one =
        isa<VectorType>(bits.getType())
            ? vector::ReductionOp::create(b, loc, vector::CombiningKind::MAXSI, bits).getResult()
            : bits;
    largest = arith::MaxSIOp::create(b, loc, largest, one);
  };
  for (Num value : values) {
    Value magnitude = code.abs(value).value;
    Value bits = arith::BitcastOp::create(b, loc, likeWith(magnitude, b.getI32Type()), magnitude);
    if (widthOf(value) != code.lanes()) {
      fold(bits);
    } else {
      ofVectors = ofVectors ? arith::MaxSIOp::create(b, loc, ofVectors, bits).getResult() : bits;
    }
  }
  if (ofVectors) {
    fold(ofVectors);
  }
  return code.wrap(arith::BitcastOp::create(b, loc, b.getF32Type(), largest));
}

void QuantiseStage::store(Code &code, Num t, Num column, ArrayRef<Num> values) const {
  OpBuilder &b = code.builder;
  constexpr double mostCode = 127;
  Num scale = largestMagnitude(code, values, 1e-30F) / code.number(mostCode);
  (scales.row(t) + column / group).store(scale);
  Num inverse = code.number(1.0) / scale;
  Memory to = codes.row(t) + column;
  for (Num value : values) {
    int64_t width = widthOf(value);
    Num code32 = code.wrap(
        math::RoundEvenOp::create(b, code.loc, (value * code.splat(inverse, width)).value));
    // A NaN is in neither comparison, so that it has a code, too.
    Num low = code.splat(code.number(-mostCode), width);
    Num high = code.splat(code.number(mostCode), width);
    code32 = code.select(code32 > low, code32, low);
    code32 = code.select(code32 < high, code32, high);
    Value wide =
        arith::FPToSIOp::create(b, code.loc, likeWith(value.value, b.getI32Type()), code32.value);
    Value narrow = arith::TruncIOp::create(b, code.loc, likeWith(value.value, b.getI8Type()), wide);
    to.store(code.wrap(narrow));
    to = to + width;
  }
}

} // namespace dsv3::cpu
