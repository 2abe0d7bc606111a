//===- DotKernels.cpp - register tiles of dot products --------------------===//
//
// The instructions, by variant and types:
//
//   codes, AVX512_VNNI  vpdpbusd: unsigned times signed bytes, four products to a 32-bit sum.
//                       Weights of i8 are made unsigned by adding 128, which the row's own sum
//                       takes back.
//   codes, without      vpmaddubsw: the same, two products to a 16-bit sum, which saturates: signs
//                       of weights of i8 go to the row's codes, so that a sum is 2 * 127 * 127 at
//                       most. Sums of i4, 2 * 15 * 127 at most, are added up as 16 bits.
//   bf16, AVX512_BF16   vdpbf16ps: two products to an f32 sum.
//
//===----------------------------------------------------------------------===//
#include "DotProduct.h"

#include "Graph/ShapeCheck.h"
#include "MicroKernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dsv3::cpu {

static constexpr int64_t wordBytes = 4;

namespace {

/// The vectors that dot products work on, whatever the variant.
class DotCode {
public:
  DotCode(Code &code, bool fourBits)
      : code(code), fourBits(fourBits), vnni(code.variant.dots == DType::I8) {}

  VectorType bytes() { return VectorType::get({wordBytes * code.lanes()}, code.i8()); }
  VectorType words() { return VectorType::get({code.lanes()}, code.i32()); }
  VectorType halves() { return VectorType::get({2 * code.lanes()}, code.builder.getI16Type()); }

  Value splat(Type type, int64_t value) {
    auto vector = cast<VectorType>(type);
    auto one = code.builder.getIntegerAttr(vector.getElementType(), value);
    return arith::ConstantOp::create(code.builder, code.loc, SplatElementsAttr::get(vector, one));
  }
  Value bitcast(Value value, Type to) {
    return LLVM::BitcastOp::create(code.builder, code.loc, to, value);
  }
  /// The word at `from` in each lane.
  Value word(Memory from) {
    Value loaded = from.as(code.i32()).raw(1);
    return vector::BroadcastOp::create(code.builder, code.loc, words(), loaded);
  }
  Value call(StringRef name, Type result, ValueRange arguments) {
    return LLVM::CallIntrinsicOp::create(code.builder, code.loc, result,
                                         code.builder.getStringAttr(name), arguments)
        .getResults();
  }

  /// What sums begin with; `ofRow`: what the row's sum is for.
  Value start(Memory ofRow) { return vnni && !fourBits ? word(ofRow) : splat(sums(), 0); }
  /// sums + weight · row, of a word of each lane.
  Value dot(Value sum, Value weight, Value row);
  /// The sums of a block as f32.
  Num finish(Value sum);
  /// The words of a weight as bytes that dot() takes: of i4 two of them.
  SmallVector<Value> expand(Value weight);

private:
  /// Sums of i4 without VNNI are of 16 bits.
  VectorType sums() { return vnni || !fourBits ? words() : halves(); }
  Value madd(Value a, Value b) {
    bool wide = code.lanes() == 16;
    return call(wide ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw", halves(),
                {a, b});
  }
  Value addPairs(Value a) {
    bool wide = code.lanes() == 16;
    return call(wide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd", words(),
                {a, splat(halves(), 1)});
  }
  /// `a` with the signs of `b`.
  Value withSigns(Value a, Value b);

  Code &code;
  bool fourBits, vnni;
};

} // namespace

Value DotCode::withSigns(Value a, Value b) {
  OpBuilder &builder = code.builder;
  if (code.lanes() == 8) {
    return call("llvm.x86.avx2.psign.b", bytes(), {a, b});
  }
  Value zero = splat(bytes(), 0);
  Value negative = arith::CmpIOp::create(builder, code.loc, arith::CmpIPredicate::slt, b, zero);
  Value negated = arith::SubIOp::create(builder, code.loc, zero, a);
  return arith::SelectOp::create(builder, code.loc, negative, negated, a);
}

Value DotCode::dot(Value sum, Value weight, Value row) {
  OpBuilder &b = code.builder;
  Value bytesOfRow = bitcast(row, bytes());
  if (vnni) {
    return call("llvm.x86.avx512.vpdpbusd.512", words(), {sum, weight, bytesOfRow});
  }
  Value products;
  if (fourBits) {
    products = madd(weight, bytesOfRow);
  } else {
    // |row| times the weight with the row's signs.
    Value negated = arith::SubIOp::create(b, code.loc, splat(bytes(), 0), bytesOfRow);
    Value magnitude = arith::MaxSIOp::create(b, code.loc, bytesOfRow, negated);
    products = addPairs(madd(magnitude, withSigns(weight, bytesOfRow)));
  }
  return arith::AddIOp::create(b, code.loc, sum, products);
}

Num DotCode::finish(Value sum) {
  Value whole = sum.getType() == halves() ? addPairs(sum) : sum;
  Type f32 = words().clone(code.f32());
  return code.wrap(arith::SIToFPOp::create(code.builder, code.loc, f32, whole));
}

SmallVector<Value> DotCode::expand(Value weight) {
  OpBuilder &b = code.builder;
  if (!fourBits) {
    return {vnni ? arith::XOrIOp::create(b, code.loc, weight, splat(bytes(), -128)) : weight};
  }
  Value high = bitcast(
      arith::ShRUIOp::create(b, code.loc, bitcast(weight, halves()), splat(halves(), 4)), bytes());
  Value mask = splat(bytes(), 15);
  return {arith::AndIOp::create(b, code.loc, weight, mask),
          arith::AndIOp::create(b, code.loc, high, mask)};
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

/// The sums of a tile, f32, [rows][vectors].
static Var &sumOf(MutableArrayRef<Var> sums, const DotCall &call, int64_t row, int64_t vector) {
  return sums[static_cast<size_t>(row * call.vectors + vector)];
}

/// Where vector v of the words `step` of a block begins. Nothing asks for them ahead: with VNNI
/// so few operations are between two lines that a processor's own prefetching keeps up, and asking
/// is in its way; with AVX2 it was not tried.
static Memory wordsAt(Code &code, const DotCall &call, Num block, Num step, int64_t vector) {
  int64_t bits = call.weightType.getIntOrFloatBitWidth();
  int64_t words = plan::dotColumns * bits / 32; // of a row and block
  Memory bytes = call.weight.as(code.i8()) + block * (words * call.width * wordBytes);
  return bytes + (step * call.width + vector * code.lanes()) * wordBytes;
}

static void emitCodeBlock(Code &code, const DotCall &call, Num block, MutableArrayRef<Var> sums) {
  bool fourBits = call.weightType.isInteger(4);
  DotCode dots(code, fourBits);
  SmallVector<Var> totals;
  for (int64_t i = 0; i < call.rows; ++i) {
    Value start = dots.start(call.aSums.as(code.i32()) + block + i * call.scaleStride);
    for (int64_t v = 0; v < call.vectors; ++v) {
      totals.push_back(code.variable(code.wrap(start)));
    }
  }
  int64_t halves = fourBits ? 2 : 1, steps = plan::dotColumns / wordBytes / halves;
  Memory rowBytes = call.a.as(code.i8()) + block * plan::dotColumns;
  auto multiply = [&](Num step) {
    SmallVector<SmallVector<Value>> weights;
    for (int64_t v = 0; v < call.vectors; ++v) {
      Memory words = wordsAt(code, call, block, step, v);
      weights.push_back(dots.expand(words.raw(wordBytes * code.lanes())));
    }
    for (int64_t half = 0; half < halves; ++half) {
      for (int64_t i = 0; i < call.rows; ++i) {
        Num place = (step * halves + half) * wordBytes + i * call.rowStride * wordBytes;
        Value row = dots.word(rowBytes + place);
        for (int64_t v = 0; v < call.vectors; ++v) {
          const Var &total = totals[static_cast<size_t>(i * call.vectors + v)];
          Value weight = weights[static_cast<size_t>(v)][static_cast<size_t>(half)];
          total.set(code.wrap(dots.dot(total.get().value, weight, row)));
        }
      }
    }
  };
  // With few registers two words of a row at a time: of more LLVM keeps some in memory. Of i4,
  // whose sums need fewer operations, that costs less than the loop.
  int64_t together = code.variant.registers < 32 && !fourBits ? 2 : steps;
  code.rolledLoop(code.integer(0), code.integer(steps), together, [&](Num first) {
    for (int64_t step = 0; step < together; ++step) {
      multiply(first + step);
    }
  });
  int64_t lanes = code.lanes();
  Memory scales = call.scales + block * call.scaleElements;
  for (int64_t v = 0; v < call.vectors; ++v) {
    Num scale = (scales + v * lanes).floats(lanes);
    std::optional<Num> offset;
    if (fourBits) {
      offset = (scales + (call.width + v * lanes)).floats(lanes);
    }
    for (int64_t i = 0; i < call.rows; ++i) {
      Num ofRow = (call.aScales + block + i * call.scaleStride).floats();
      Num both = scale * code.splat(ofRow, lanes);
      Var &sum = sumOf(sums, call, i, v);
      Num total = dots.finish(totals[static_cast<size_t>(i * call.vectors + v)].get().value);
      sum.set(code.fma(total, both, sum.get()));
      if (offset) {
        Num shift = (call.aSums + block + i * call.scaleStride).floats();
        sum.set(code.fma(*offset, code.splat(shift, lanes), sum.get()));
      }
    }
  }
}

static void emitBf16Block(Code &code, const DotCall &call, Num block, MutableArrayRef<Var> sums) {
  DotCode dots(code, false);
  OpBuilder &b = code.builder;
  auto pairs = VectorType::get({2 * code.lanes()}, b.getBF16Type());
  Type f32 = VectorType::get({code.lanes()}, code.f32());
  constexpr int64_t steps = plan::dotColumns / 2;
  Memory rowBytes = call.a.as(code.i8()) + block * (steps * wordBytes);
  for (int64_t step = 0; step < steps; ++step) {
    SmallVector<Value> weights;
    for (int64_t v = 0; v < call.vectors; ++v) {
      Memory words = wordsAt(code, call, block, code.integer(step), v);
      weights.push_back(words.as(b.getBF16Type()).raw(2 * code.lanes()));
    }
    for (int64_t i = 0; i < call.rows; ++i) {
      Value row =
          dots.bitcast(dots.word(rowBytes + (step + i * call.rowStride) * wordBytes), pairs);
      for (int64_t v = 0; v < call.vectors; ++v) {
        Var &sum = sumOf(sums, call, i, v);
        sum.set(code.wrap(dots.call("llvm.x86.avx512bf16.dpbf16ps.512", f32,
                                    {sum.get().value, weights[static_cast<size_t>(v)], row})));
      }
    }
  }
}

static void emitDots(Code &code, const DotCall &call) {
  int64_t lanes = code.lanes();
  SmallVector<Var> sums;
  auto place = [&](int64_t i, int64_t v) { return call.out + call.outStride * i + v * lanes; };
  for (int64_t i = 0; i < call.rows; ++i) {
    for (int64_t v = 0; v < call.vectors; ++v) {
      sums.push_back(code.variable(place(i, v).floats(lanes)));
    }
  }
  code.loop(code.integer(0), call.blocks, 1, [&](Num block) {
    if (call.rowType.isInteger(8)) {
      emitCodeBlock(code, call, block, sums);
    } else {
      emitBf16Block(code, call, block, sums);
    }
  });
  for (int64_t i = 0; i < call.rows; ++i) {
    for (int64_t v = 0; v < call.vectors; ++v) {
      place(i, v).store(sumOf(sums, call, i, v).get());
    }
  }
}

/// Calls the shared function `name`, whose parameters are `memories`, then `numbers`; body gets
/// them in that order.
static void callWith(Code &code, StringRef name, ArrayRef<Memory> memories, ArrayRef<Num> numbers,
                     llvm::function_ref<void(Code &, ArrayRef<Memory>, ArrayRef<Num>)> body) {
  SmallVector<Value> arguments;
  for (const Memory &memory : memories) {
    arguments.push_back(memory.address());
  }
  for (Num number : numbers) {
    arguments.push_back(number.value);
  }
  SmallVector<Type> parameters =
      llvm::map_to_vector(arguments, [](Value v) { return v.getType(); });
  auto function =
      sharedFunction(code, name, parameters, [&](Code &inner, Block::BlockArgListType values) {
        SmallVector<Memory> innerMemories;
        SmallVector<Num> innerNumbers;
        for (auto [memory, value] : llvm::zip(memories, values)) {
          innerMemories.emplace_back(inner, value, memory.elementType());
        }
        for (Value value : values.drop_front(memories.size())) {
          innerNumbers.push_back(inner.wrap(value));
        }
        body(inner, innerMemories, innerNumbers);
      });
  LLVM::CallOp::create(code.builder, code.loc, function, arguments);
}

void callDots(Code &code, const DotCall &call) {
  std::string name = "dots." + graph::spell(call.rowType) + "." + graph::spell(call.weightType) +
                     "." + std::to_string(call.rows) + "x" + std::to_string(call.vectors) + "x" +
                     std::to_string(call.width) + "." + std::to_string(call.rowStride) + "." +
                     std::to_string(call.scaleStride);
  callWith(code, name, {call.a, call.aScales, call.aSums, call.weight, call.scales, call.out},
           {call.blocks, call.outStride},
           [&](Code &inner, ArrayRef<Memory> memories, ArrayRef<Num> numbers) {
             DotCall body = call;
             body.a = memories[0], body.aScales = memories[1], body.aSums = memories[2];
             body.weight = memories[3], body.scales = memories[4], body.out = memories[5];
             body.blocks = numbers[0], body.outStride = numbers[1];
             emitDots(inner, body);
           });
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// The sum of a block of codes, i32.
static Value sumOfCodes(Code &code, Memory block) {
  OpBuilder &b = code.builder;
  Value codes = block.raw(plan::dotColumns);
  auto wide = cast<VectorType>(codes.getType()).clone(code.i32());
  Value widened = arith::ExtSIOp::create(b, code.loc, wide, codes);
  return vector::ReductionOp::create(b, code.loc, vector::CombiningKind::ADD, widened);
}

static void emitDotRow(Code &code, const DotRowCall &call) {
  OpBuilder &b = code.builder;
  Type element = call.rowType.isBF16() ? b.getI16Type() : call.rowType;
  Memory from = call.from.as(element), to = call.to.as(element);
  constexpr int64_t block = plan::dotColumns;
  Num whole = call.count / block * block, end = call.blocks * block;
  auto copy = [&](Num i, int64_t width) { (to + i).store(code.wrap((from + i).raw(width))); };
  code.loop(code.integer(0), whole, block, [&](Num i) { copy(i, block); });
  code.loop(whole, call.count, 1, [&](Num i) { copy(i, 1); });
  Value zero = arith::ConstantOp::create(b, code.loc, b.getIntegerAttr(element, 0));
  code.loop(call.count, end, 1, [&](Num i) { (to + i).store(code.wrap(zero)); });
  if (call.rowType.isBF16()) {
    return;
  }
  code.loop(code.integer(0), call.blocks, 1, [&](Num i) {
    Num scale = (call.fromScales + i).floats();
    (call.toScales + i).store(scale);
    Value sum = sumOfCodes(code, to + i * block);
    if (call.weightType.isInteger(4)) {
      Num asFloat = code.wrap(arith::SIToFPOp::create(b, code.loc, code.f32(), sum));
      (call.toSums + i).store(asFloat * scale);
      return;
    }
    Value factor = arith::ConstantOp::create(b, code.loc, b.getI32IntegerAttr(-128));
    Value taken = arith::MulIOp::create(b, code.loc, sum, factor);
    (call.toSums + i).store(code.wrap(arith::BitcastOp::create(b, code.loc, code.f32(), taken)));
  });
}

void callDotRow(Code &code, const DotRowCall &call) {
  std::string name = "dotrow." + graph::spell(call.rowType) + "." + graph::spell(call.weightType);
  bool codes = !call.rowType.isBF16();
  SmallVector<Memory> memories{call.from, call.to};
  if (codes) {
    memories.append({call.fromScales, call.toScales, call.toSums});
  }
  callWith(code, name, memories, {call.count, call.blocks},
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

} // namespace dsv3::cpu
