//===- DotKernels.cpp - register tiles of dot products --------------------===//
//
// The instructions, by variant and types:
//
//   codes, AVX512_VNNI  vpdpbusd: unsigned times signed bytes, four products to a 32-bit sum.
//                       Weights of i8 are made unsigned by adding 128, which the row's own sum
//                       takes back.
//   codes, without      vpmaddubsw, of i4, and of i8 for a row alone: the same, two products to a
//                       16-bit sum, which saturates: signs of the row's codes go to weights of i8,
//                       so that a sum is 2 * 127 * 127 at most. Sums of i4, 2 * 15 * 127 at most,
//                       are added up as 16 bits.
//   widened codes       vpmaddwd: products of 16 bits, two to a 32-bit sum (plan::widensCodes).
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
  DotCode(Code &code, Type weight)
      : code(code), fourBits(weight.isInteger(4)), widened(weight.isInteger(16)),
        vnni(code.variant.dots == DType::I8) {}

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
  Value maddPairs(Value a, Value b) {
    bool wide = code.lanes() == 16;
    return call(wide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd", words(), {a, b});
  }
  Value addPairs(Value a) { return maddPairs(a, splat(halves(), 1)); }
  /// `a` with the signs of `b`.
  Value withSigns(Value a, Value b);

  Code &code;
  bool fourBits, widened, vnni;
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
  if (widened) {
    products = maddPairs(bitcast(weight, halves()), bitcast(row, halves()));
  } else if (fourBits) {
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

namespace {
/// The f32 sums of a tile: in variables while blocks are multiplied, or, where registers have no
/// room for them, in memory.
class TileSums {
public:
  TileSums(Code &code, const DotCall &call) : code(code), call(call) {
    bool codes = call.rowType.isInteger(8);
    if (!plan::dotSumsStay(code.variant, call.rows * call.vectors, codes)) {
      return;
    }
    for (int64_t i = 0; i < call.rows; ++i) {
      for (int64_t v = 0; v < call.vectors; ++v) {
        kept.push_back(code.variable(place(i, v).floats(code.lanes())));
      }
    }
  }
  bool inMemory() const { return kept.empty(); }
  Num get(int64_t row, int64_t vector) const {
    return kept.empty() ? place(row, vector).floats(code.lanes()) : variable(row, vector).get();
  }
  void set(int64_t row, int64_t vector, Num sum) const {
    if (kept.empty()) {
      place(row, vector).store(sum);
    } else {
      variable(row, vector).set(sum);
    }
  }
  /// To memory, in the end.
  void store() const {
    if (kept.empty()) {
      return;
    }
    for (int64_t i = 0; i < call.rows; ++i) {
      for (int64_t v = 0; v < call.vectors; ++v) {
        place(i, v).store(get(i, v));
      }
    }
  }

private:
  Memory place(int64_t row, int64_t vector) const {
    return call.out + call.outStride * row + vector * code.lanes();
  }
  const Var &variable(int64_t row, int64_t vector) const {
    return kept[static_cast<size_t>(row * call.vectors + vector)];
  }

  Code &code;
  const DotCall &call;
  SmallVector<Var> kept;
};
} // namespace

/// Words that a block of a row or column has.
static int64_t wordsOfBlock(Type element) {
  return plan::dotColumns * element.getIntOrFloatBitWidth() / 32;
}

/// Where vector v of the words `step` of a block begins. Nothing asks for them ahead, but for those
/// that are widened first: with VNNI so few operations are between two lines that a processor's own
/// prefetching keeps up, and asking is in its way; with AVX2 it was not tried.
static Memory wordsAt(Code &code, const DotCall &call, Num block, Num step, int64_t vector) {
  Memory bytes =
      call.weight.as(code.i8()) + block * (wordsOfBlock(call.weightType) * call.width * wordBytes);
  return bytes + (step * call.width + vector * code.lanes()) * wordBytes;
}

static void emitCodeBlock(Code &code, const DotCall &call, Num block, const TileSums &sums) {
  bool fourBits = call.weightType.isInteger(4);
  DotCode dots(code, call.weightType);
  SmallVector<Var> totals;
  for (int64_t i = 0; i < call.rows; ++i) {
    Value start = dots.start(call.aSums.as(code.i32()) + block + i * call.scaleStride);
    for (int64_t v = 0; v < call.vectors; ++v) {
      totals.push_back(code.variable(code.wrap(start)));
    }
  }
  int64_t halves = fourBits ? 2 : 1, steps = wordsOfBlock(call.weightType);
  Memory rowBytes = call.a.as(code.i8()) + block * (steps * halves * wordBytes);
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
  // Where sums leave few registers two words of a row at a time: of more LLVM keeps some in memory.
  // Of i4, whose sums need fewer operations, that costs less than the loop.
  bool few = code.variant.registers < 32 || sums.inMemory();
  int64_t together = few && !fourBits ? 2 : steps;
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
      offset = (scales + (call.scaleElements / 2 + v * lanes)).floats(lanes);
    }
    for (int64_t i = 0; i < call.rows; ++i) {
      Num ofRow = (call.aScales + block + i * call.scaleStride).floats();
      Num both = scale * code.splat(ofRow, lanes);
      Num total = dots.finish(totals[static_cast<size_t>(i * call.vectors + v)].get().value);
      Num sum = code.fma(total, both, sums.get(i, v));
      if (offset) {
        Num shift = (call.aSums + block + i * call.scaleStride).floats();
        sum = code.fma(*offset, code.splat(shift, lanes), sum);
      }
      sums.set(i, v, sum);
    }
  }
}

static void emitBf16Block(Code &code, const DotCall &call, Num block, const TileSums &sums) {
  DotCode dots(code, call.weightType);
  OpBuilder &b = code.builder;
  auto pairs = VectorType::get({2 * code.lanes()}, b.getBF16Type());
  Type f32 = VectorType::get({code.lanes()}, code.f32());
  int64_t steps = wordsOfBlock(call.weightType);
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
        Value sum = dots.call("llvm.x86.avx512bf16.dpbf16ps.512", f32,
                              {sums.get(i, v).value, weights[static_cast<size_t>(v)], row});
        sums.set(i, v, code.wrap(sum));
      }
    }
  }
}

/// Asks for the words of a block of what is widened next. It is not read before all rows have met
/// what is there, so the second-level cache is near enough.
static void askForBlock(Code &code, const DotCall &call, Num block) {
  constexpr int64_t words = plan::dotColumns / wordBytes;
  int64_t bytes = call.nextWidth * wordBytes;
  Memory from = call.next->as(code.i8()) + block * (words * bytes);
  for (int64_t word = 0; word < words; ++word) {
    for (int64_t line = 0; line < plan::tileWidth(code.variant) * wordBytes; line += lineBytes) {
      from.prefetch(word * bytes + line, Cache::Second);
    }
  }
}

static void emitDots(Code &code, const DotCall &call) {
  TileSums sums(code, call);
  auto multiply = [&](Num block) {
    if (call.next) {
      askForBlock(code, call, block);
    }
    if (call.rowType.isInteger(8)) {
      emitCodeBlock(code, call, block, sums);
    } else {
      emitBf16Block(code, call, block, sums);
    }
  };
  if (sums.inMemory()) {
    code.rolledLoop(code.integer(0), call.blocks, 1, multiply, /*memoryStays=*/true);
  } else {
    code.loop(code.integer(0), call.blocks, 1, multiply);
  }
  sums.store();
}

void callDots(Code &code, const DotCall &call) {
  std::string name = "dots." + graph::spell(call.rowType) + "." + graph::spell(call.weightType) +
                     "." + std::to_string(call.rows) + "x" + std::to_string(call.vectors) + "x" +
                     std::to_string(call.width) + "." + std::to_string(call.rowStride) + "." +
                     std::to_string(call.scaleStride);
  SmallVector<Memory> memories{call.a,      call.aScales, call.aSums,
                               call.weight, call.scales,  call.out};
  if (call.next) {
    name += ".next" + std::to_string(call.nextWidth);
    memories.push_back(*call.next);
  }
  callShared(code, name, memories, {call.blocks, call.outStride},
             [&](Code &inner, ArrayRef<Memory> memories, ArrayRef<Num> numbers) {
               DotCall body = call;
               body.a = memories[0], body.aScales = memories[1], body.aSums = memories[2];
               body.next = call.next ? std::optional(memories.back()) : std::nullopt;
               body.weight = memories[3], body.scales = memories[4], body.out = memories[5];
               body.blocks = numbers[0], body.outStride = numbers[1];
               emitDots(inner, body);
             });
}

} // namespace dsv3::cpu
