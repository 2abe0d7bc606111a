//===- DotOperands.cpp - what register tiles of dot products read ---------===//
#include "DotProduct.h"

#include "Graph/ShapeCheck.h"
#include "MicroKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dsv3::cpu {

namespace {
/// Codes as 16 bits: of each word of four the first and the third, and the others. A block of a row
/// or a weight has the first and the third of all its words first; that both agree is what matters.
struct WidenedCodes {
  Value even, odd;

  WidenedCodes(Code &code, Value codes) {
    OpBuilder &b = code.builder;
    int64_t pairs = cast<VectorType>(codes.getType()).getDimSize(0) / 2;
    auto halves = VectorType::get({pairs}, b.getI16Type());
    Value both = LLVM::BitcastOp::create(b, code.loc, halves, codes);
    Value eight = arith::ConstantOp::create(b, code.loc,
                                            SplatElementsAttr::get(halves, b.getI16IntegerAttr(8)));
    Value raised = arith::ShLIOp::create(b, code.loc, both, eight);
    even = arith::ShRSIOp::create(b, code.loc, raised, eight);
    odd = arith::ShRSIOp::create(b, code.loc, both, eight);
  }
};
} // namespace

/// The sum of a block of codes, i32.
static Value sumOfCodes(Code &code, Memory block) {
  OpBuilder &b = code.builder;
  Value codes = block.raw(plan::dotColumns);
  auto wide = cast<VectorType>(codes.getType()).clone(code.i32());
  Value widened = arith::ExtSIOp::create(b, code.loc, wide, codes);
  return vector::ReductionOp::create(b, code.loc, vector::CombiningKind::ADD, widened);
}

/// Copies elements of a row, with zeros up to the end of the last block.
static void copyElements(Code &code, const DotRowCall &call, Memory from, Memory to) {
  constexpr int64_t block = plan::dotColumns;
  Num whole = call.count / block * block, end = call.blocks * block;
  auto copy = [&](Num i, int64_t width) { (to + i).store(code.wrap((from + i).raw(width))); };
  code.loop(code.integer(0), whole, block, [&](Num i) { copy(i, block); });
  code.loop(whole, call.count, 1, [&](Num i) { copy(i, 1); });
  OpBuilder &b = code.builder;
  Value zero = arith::ConstantOp::create(b, code.loc, b.getIntegerAttr(to.elementType(), 0));
  code.loop(call.count, end, 1, [&](Num i) { (to + i).store(code.wrap(zero)); });
}

/// What dot products need of the sum of a block of codes.
static void storeSum(Code &code, const DotRowCall &call, Memory codes, Num scale, Memory to) {
  OpBuilder &b = code.builder;
  Value sum = sumOfCodes(code, codes);
  if (call.weightType.isInteger(4)) {
    Num asFloat = code.wrap(arith::SIToFPOp::create(b, code.loc, code.f32(), sum));
    to.store(asFloat * scale);
    return;
  }
  Value factor = arith::ConstantOp::create(b, code.loc, b.getI32IntegerAttr(-128));
  Value taken = arith::MulIOp::create(b, code.loc, sum, factor);
  to.store(code.wrap(arith::BitcastOp::create(b, code.loc, code.f32(), taken)));
}

static void emitDotRow(Code &code, const DotRowCall &call) {
  Type element = call.rowType.isBF16() ? code.builder.getI16Type() : call.rowType;
  Memory to = call.to.as(element);
  copyElements(code, call, call.from.as(element), to);
  if (call.rowType.isBF16()) {
    return;
  }
  bool widened = call.weightType.isInteger(16);
  code.loop(code.integer(0), call.blocks, 1, [&](Num n) {
    // Widened where it was copied to: the last block first, so that none is overwritten unread.
    Num i = widened ? call.blocks - 1 - n : n;
    Num scale = (call.fromScales + i).floats();
    (call.toScales + i).store(scale);
    if (widened) {
      WidenedCodes halves(code, (to + i * plan::dotColumns).raw(plan::dotColumns));
      Memory block = to.as(code.builder.getI16Type()) + i * plan::dotColumns;
      block.store(code.wrap(halves.even));
      (block + plan::dotColumns / 2).store(code.wrap(halves.odd));
      return;
    }
    storeSum(code, call, to + i * plan::dotColumns, scale, call.toSums + i);
  });
}

void callDotRow(Code &code, const DotRowCall &call) {
  std::string name = "dotrow." + graph::spell(call.rowType) + "." + graph::spell(call.weightType);
  bool codes = !call.rowType.isBF16();
  SmallVector<Memory> memories{call.from, call.to};
  if (codes) {
    memories.append({call.fromScales, call.toScales, call.toSums});
  }
  callShared(code, name, memories, {call.count, call.blocks},
             [&](Code &inner, ArrayRef<Memory> memories, ArrayRef<Num> numbers) {
               DotRowCall body = call;
               body.from = memories[0], body.to = memories[1];
               if (codes) {
                 body.fromScales = memories[2], body.toScales = memories[3];
                 body.toSums = memories[4];
               }
               body.count = numbers[0], body.blocks = numbers[1];
               emitDotRow(inner, body);
             });
}

void callWidenCodes(Code &code, int64_t width, Memory from, Memory to, Num blocks) {
  callShared(code, "widencodes." + std::to_string(width), {from, to}, {blocks},
             [width](Code &inner, ArrayRef<Memory> memories, ArrayRef<Num> numbers) {
               constexpr int64_t words = plan::dotColumns / 4;
               int64_t lanes = inner.lanes(), tile = plan::tileWidth(inner.variant);
               Memory from = memories[0].as(inner.i32()), to = memories[1].as(inner.i32());
               Type half = inner.builder.getI16Type();
               inner.loop(inner.integer(0), numbers[0], 1, [&](Num block) {
                 inner.loop(inner.integer(0), inner.integer(words), 1, [&](Num word) {
                   for (int64_t v = 0; v < tile; v += lanes) {
                     Memory codes = from + (block * words + word) * width + v;
                     WidenedCodes halves(inner, codes.as(inner.i8()).raw(4 * lanes));
                     Memory even = to + (block * (2 * words) + word) * tile + v;
                     even.as(half).store(inner.wrap(halves.even));
                     (even + words * tile).as(half).store(inner.wrap(halves.odd));
                   }
                 });
               });
             });
}

} // namespace dsv3::cpu
