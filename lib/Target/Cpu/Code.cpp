//===- Code.cpp - arithmetic, memory and loops ----------------------------===//
#include "Code.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace dsv3::cpu {

int64_t widthOf(Num value) {
  auto vector = dyn_cast<VectorType>(value.value.getType());
  return vector ? vector.getNumElements() : 1;
}

static bool isFloat(Num value) { return isa<FloatType>(getElementTypeOrSelf(value.value)); }

template <typename FloatOp, typename IntegerOp>
static Num arithmetic(Num a, Num b) {
  Code &code = *a.code;
  return code.wrap(isFloat(a) ? code.builder.createOrFold<FloatOp>(code.loc, a.value, b.value)
                              : code.builder.createOrFold<IntegerOp>(code.loc, a.value, b.value));
}

Num operator+(Num a, Num b) { return arithmetic<arith::AddFOp, arith::AddIOp>(a, b); }
Num operator-(Num a, Num b) { return arithmetic<arith::SubFOp, arith::SubIOp>(a, b); }
Num operator*(Num a, Num b) { return arithmetic<arith::MulFOp, arith::MulIOp>(a, b); }
Num operator/(Num a, Num b) { return arithmetic<arith::DivFOp, arith::DivUIOp>(a, b); }
Num operator%(Num a, Num b) { return arithmetic<arith::RemFOp, arith::RemUIOp>(a, b); }
Num operator+(Num a, int64_t b) { return a + a.code->integer(b); }
Num operator-(Num a, int64_t b) { return a - a.code->integer(b); }
Num operator*(Num a, int64_t b) { return a * a.code->integer(b); }
Num operator/(Num a, int64_t b) { return a / a.code->integer(b); }
Num operator%(Num a, int64_t b) { return a % a.code->integer(b); }

static Num compare(Num a, Num b, arith::CmpIPredicate integers, arith::CmpFPredicate floats) {
  Code &code = *a.code;
  return code.wrap(
      isFloat(a) ? code.builder.createOrFold<arith::CmpFOp>(code.loc, floats, a.value, b.value)
                 : code.builder.createOrFold<arith::CmpIOp>(code.loc, integers, a.value, b.value));
}

Num operator<(Num a, Num b) {
  return compare(a, b, arith::CmpIPredicate::slt, arith::CmpFPredicate::OLT);
}
Num operator<(Num a, int64_t b) { return a < a.code->integer(b); }
Num operator>(Num a, Num b) { return b < a; }
Num operator==(Num a, Num b) {
  return compare(a, b, arith::CmpIPredicate::eq, arith::CmpFPredicate::OEQ);
}
Num operator==(Num a, int64_t b) { return a == a.code->integer(b); }

static Num booleans(Num a, Num b, bool conjunction) {
  Code &code = *a.code;
  return code.wrap(conjunction
                       ? code.builder.createOrFold<arith::AndIOp>(code.loc, a.value, b.value)
                       : code.builder.createOrFold<arith::OrIOp>(code.loc, a.value, b.value));
}
Num operator&&(Num a, Num b) { return booleans(a, b, true); }
Num operator||(Num a, Num b) { return booleans(a, b, false); }
Num operator!(Num a) {
  Code &code = *a.code;
  Value yes = arith::ConstantOp::create(code.builder, code.loc, code.builder.getBoolAttr(true));
  return code.wrap(code.builder.createOrFold<arith::XOrIOp>(code.loc, a.value, yes));
}

//===----------------------------------------------------------------------===//
// Memory and variables
//===----------------------------------------------------------------------===//

Memory Memory::operator+(Num index) const {
  // LLVM has no 8-bit floats; of 4 bits two lie in a byte.
  bool half = element.isInteger(4);
  Type step = half || isa<Float8E4M3FNType>(element) ? code->i8() : element;
  index = half ? index / 2 : index;
  Value moved = LLVM::GEPOp::create(code->builder, code->loc, pointer.getType(), step, pointer,
                                    ValueRange(index.value));
  return {*code, moved, element};
}
Memory Memory::operator+(int64_t index) const {
  return index == 0 ? *this : *this + code->integer(index);
}

Value Memory::raw(int64_t width) const {
  Type type = width == 1 ? element : Type(VectorType::get({width}, element));
  unsigned alignment = element.getIntOrFloatBitWidth() / 8;
  return LLVM::LoadOp::create(code->builder, code->loc, type, pointer, alignment);
}

Num Memory::integer() const {
  Value loaded = raw(1);
  return code->wrap(
      arith::ExtSIOp::create(code->builder, code->loc, code->builder.getI64Type(), loaded));
}

/// `type` with its element replaced.
static Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

/// A constant of integer type or vector of integers.
static Value bits(Code &code, Type type, int64_t value) {
  TypedAttr one = code.builder.getIntegerAttr(getElementTypeOrSelf(type), value);
  TypedAttr attribute =
      isa<VectorType>(type) ? TypedAttr(SplatElementsAttr::get(cast<ShapedType>(type), one)) : one;
  return arith::ConstantOp::create(code.builder, code.loc, attribute);
}

Num Memory::floats(int64_t width) const {
  OpBuilder &b = code->builder;
  Location loc = code->loc;
  if (element.isF32()) {
    return code->wrap(raw(width));
  }
  if (element.isBF16()) {
    Value loaded = as(b.getI16Type()).raw(width);
    Type i32 = withElement(loaded.getType(), b.getI32Type());
    Value wide = arith::ExtUIOp::create(b, loc, i32, loaded);
    Value shifted = arith::ShLIOp::create(b, loc, wide, bits(*code, i32, 16));
    return code->wrap(arith::BitcastOp::create(b, loc, withElement(i32, b.getF32Type()), shifted));
  }
  assert(element.isF16() && "FP8 is read in panels alone");
  Value loaded = raw(width);
  return code->wrap(
      arith::ExtFOp::create(b, loc, withElement(loaded.getType(), b.getF32Type()), loaded));
}

void Memory::prefetch(int64_t bytes, Cache cache) const {
  Memory line = as(code->i8()) + bytes;
  constexpr unsigned toRead = 0, data = 1;
  unsigned locality = cache == Cache::First ? 3 : 2; // of llvm.prefetch: prefetcht0, prefetcht1
  LLVM::Prefetch::create(code->builder, code->loc, line.pointer, toRead, locality, data);
}

/// The bits of f32 as bf16. By hand: LLVM calls a library where the CPU has no such instruction.
static Value bf16Bits(Code &code, Value value) {
  OpBuilder &b = code.builder;
  Location loc = code.loc;
  Type i32 = withElement(value.getType(), b.getI32Type());
  Value wide = arith::BitcastOp::create(b, loc, i32, value);
  Value high = arith::ShRUIOp::create(b, loc, wide, bits(code, i32, 16));
  Value odd = arith::AndIOp::create(b, loc, high, bits(code, i32, 1));
  Value half = arith::AddIOp::create(b, loc, odd, bits(code, i32, 0x7fff));
  Value rounded = arith::AddIOp::create(b, loc, wide, half);
  rounded = arith::ShRUIOp::create(b, loc, rounded, bits(code, i32, 16));
  // Rounding would carry a NaN into its sign.
  Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, value, value);
  Value quiet = arith::OrIOp::create(b, loc, high, bits(code, i32, 0x40));
  Value chosen = arith::SelectOp::create(b, loc, isNaN, quiet, rounded);
  return arith::TruncIOp::create(b, loc, withElement(i32, b.getI16Type()), chosen);
}

void Memory::store(Num value) const {
  Value stored = value.value;
  if (element.isInteger(32)) {
    stored = arith::TruncIOp::create(code->builder, code->loc, element, stored);
  } else if (element.isF16()) {
    stored = arith::TruncFOp::create(code->builder, code->loc,
                                     withElement(stored.getType(), element), stored);
  } else if (element.isBF16()) {
    stored = bf16Bits(*code, stored);
  }
  unsigned alignment = element.getIntOrFloatBitWidth() / 8;
  LLVM::StoreOp::create(code->builder, code->loc, stored, pointer, alignment);
}

Var Code::variable(Num initial) {
  Value slot;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&entry);
    Value one = LLVM::ConstantOp::create(builder, loc, builder.getI32Type(), 1);
    slot = LLVM::AllocaOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()),
                                  initial.value.getType(), one);
  }
  Var made(*this, slot, initial.value.getType());
  made.set(initial);
  return made;
}

Num Var::get() const {
  return code->wrap(LLVM::LoadOp::create(code->builder, code->loc, type, slot));
}
void Var::set(Num value) const {
  LLVM::StoreOp::create(code->builder, code->loc, value.value, slot);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

Num Code::integer(int64_t value) {
  return wrap(arith::ConstantOp::create(builder, loc, builder.getI64IntegerAttr(value)));
}
Num Code::number(double value) {
  return wrap(
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(static_cast<float>(value))));
}

Num Code::splat(Num value, int64_t width) {
  if (width == 1 || widthOf(value) == width) {
    return value;
  }
  auto type = VectorType::get({width}, value.value.getType());
  return wrap(builder.createOrFold<vector::BroadcastOp>(loc, type, value.value));
}

Num Code::fma(Num a, Num b, Num c) {
  return wrap(math::FmaOp::create(builder, loc, a.value, b.value, c.value));
}
Num Code::min(Num a, Num b) { return arithmetic<arith::MinNumFOp, arith::MinSIOp>(a, b); }
Num Code::max(Num a, Num b) { return arithmetic<arith::MaxNumFOp, arith::MaxSIOp>(a, b); }
Num Code::select(Num condition, Num yes, Num no) {
  return wrap(builder.createOrFold<arith::SelectOp>(loc, condition.value, yes.value, no.value));
}
Memory Code::select(Num condition, Memory yes, Memory no) {
  Num address = select(condition, wrap(yes.address()), wrap(no.address()));
  return {*this, address.value, yes.elementType()};
}
Num Code::sqrt(Num x) { return wrap(math::SqrtOp::create(builder, loc, x.value)); }
Num Code::abs(Num x) { return wrap(math::AbsFOp::create(builder, loc, x.value)); }
Num Code::bitsOf(Num x) {
  return wrap(
      arith::BitcastOp::create(builder, loc, withElement(x.value.getType(), i32()), x.value));
}
Num Code::floatOf(Num bits) {
  return wrap(
      arith::BitcastOp::create(builder, loc, withElement(bits.value.getType(), f32()), bits.value));
}
Num Code::negate(Num x) { return wrap(arith::NegFOp::create(builder, loc, x.value)); }

static Num reduced(Code &code, Num vector, vector::CombiningKind kind) {
  if (widthOf(vector) == 1) {
    return vector;
  }
  // The order of the sum is LLVM's, the same each time that this code runs.
  return code.wrap(vector::ReductionOp::create(code.builder, code.loc, kind, vector.value,
                                               arith::FastMathFlags::reassoc));
}
Num Code::sumOf(Num vector) { return reduced(*this, vector, vector::CombiningKind::ADD); }
Num Code::largestOf(Num vector) {
  bool isFloat = getElementTypeOrSelf(vector.value).isF32();
  return reduced(*this, vector,
                 isFloat ? vector::CombiningKind::MAXNUMF : vector::CombiningKind::MAXSI);
}

/// Lanes `order` of a and b side by side.
static Num shuffled(Code &code, Num a, Num b, ArrayRef<int64_t> order) {
  return code.wrap(vector::ShuffleOp::create(code.builder, code.loc, a.value, b.value, order));
}

Num Code::widened(Num vector) {
  int64_t width = widthOf(vector);
  if (width == lanes()) {
    return vector;
  }
  if (width == 1) {
    auto one = VectorType::get({1}, vector.value.getType());
    vector = wrap(vector::BroadcastOp::create(builder, loc, one, vector.value));
  }
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < lanes(); ++i) {
    order.push_back(std::min(i, width)); // lane `width` is the first zero
  }
  Num zeros =
      wrap(arith::ConstantOp::create(builder, loc, builder.getZeroAttr(vector.value.getType())));
  return shuffled(*this, vector, zeros, order);
}

Num Code::part(Num vector, int64_t begin, int64_t width) {
  if (width == 1) {
    return wrap(vector::ExtractOp::create(builder, loc, vector.value, begin));
  }
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq(begin, begin + width));
  return shuffled(*this, vector, vector, order);
}

Num Code::sumsOf(ArrayRef<Num> vectors) {
  SmallVector<Num> sums(vectors);
  auto width = static_cast<int64_t>(vectors.size());
  for (Num &sum : sums) {
    for (int64_t half = widthOf(sum) / 2; half >= width; half /= 2) {
      sum = part(sum, 0, half) + part(sum, half, half);
    }
    assert(widthOf(sum) == width && "a power of two of vectors, no more than lanes");
  }
  // Two vectors become one that holds, at lanes without and with the bit `distance`, sums of
  // neighbours of the first and of the second.
  for (int64_t distance = 1; distance < width; distance *= 2) {
    SmallVector<int64_t> kept, moved, crossed;
    for (int64_t lane = 0; lane < width; ++lane) {
      bool second = (lane & distance) != 0;
      kept.push_back(second ? width + lane : lane);
      moved.push_back(second ? lane : width + lane);
      crossed.push_back(lane ^ distance);
    }
    SmallVector<Num> next;
    for (size_t i = 0; i < sums.size(); i += 2) {
      Num others = shuffled(*this, sums[i], sums[i + 1], moved);
      next.push_back(shuffled(*this, sums[i], sums[i + 1], kept) +
                     shuffled(*this, others, others, crossed));
    }
    sums = std::move(next);
  }
  return sums[0];
}

Num Code::exp(Num x) {
  int64_t width = widthOf(x);
  auto constant = [&](double value) { return splat(number(value), width); };
  auto integers = withElement(x.value.getType(), builder.getI32Type());
  // Beyond these the result is 0 or infinite; NaN passes both comparisons.
  Num low = constant(-104.0), high = constant(89.0);
  x = select(x < low, low, x);
  x = select(high < x, high, x);
  // n = round(x / ln 2) in the low bits of a number near 1.5 × 2^23.
  Num magic = constant(12582912.0);
  Num shifted = fma(x, constant(1.44269504088896341), magic);
  Num n = shifted - magic;
  Value whole = arith::SubIOp::create(
      builder, loc, arith::BitcastOp::create(builder, loc, integers, shifted.value),
      bits(*this, integers, 0x4B400000));
  // r = x - n ln 2, |r| <= ln 2 / 2; ln 2 in two pieces. e^r by the polynomial of Cephes.
  Num r = fma(n, constant(-0.693359375), x);
  r = fma(n, constant(2.12194440e-4), r);
  Num p = constant(1.9875691500e-4);
  for (double coefficient :
       {1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1}) {
    p = fma(p, r, constant(coefficient));
  }
  Num result = fma(p * r, r, r) + constant(1.0);
  // Times 2^n in two steps: 2^n alone may not be a number.
  Value half = arith::ShRSIOp::create(builder, loc, whole, bits(*this, integers, 1));
  Value rest = arith::SubIOp::create(builder, loc, whole, half);
  for (Value exponent : {half, rest}) {
    Value biased = arith::AddIOp::create(builder, loc, exponent, bits(*this, integers, 127));
    Value power = arith::ShLIOp::create(builder, loc, biased, bits(*this, integers, 23));
    result = result * wrap(arith::BitcastOp::create(builder, loc, x.value.getType(), power));
  }
  return result;
}

std::pair<Value, Value> Code::cosSin(Num angle) {
  auto constant = [&](double value) {
    return wrap(arith::ConstantOp::create(builder, loc, builder.getF64FloatAttr(value)));
  };
  Num x = wrap(arith::ExtFOp::create(builder, loc, f64(), angle.value));
  // n = round(x / (pi/2)) as in exp; r = x - n pi/2 with pi/2 in two pieces.
  Num magic = constant(6755399441055744.0);
  Num shifted = fma(x, constant(0.63661977236758134308), magic);
  Num n = shifted - magic;
  Num r = fma(n, constant(-1.57079632679489655800), x);
  r = fma(n, constant(-6.12323399573676603587e-17), r);
  Num quadrant =
      wrap(arith::BitcastOp::create(builder, loc, builder.getI64Type(), shifted.value)) % 4;
  // Taylor terms as fdlibm fits them (k_sin.c, k_cos.c).
  Num z = r * r;
  Num sine = constant(1.58969099521155010221e-10);
  for (double coefficient :
       {-2.50507602534068634195e-08, 2.75573137070700676789e-06, -1.98412698298579493134e-04,
        8.33333333332248946124e-03, -1.66666666666666324348e-01}) {
    sine = fma(sine, z, constant(coefficient));
  }
  sine = fma(sine * z, r, r);
  Num cosine = constant(-1.13596475577881948265e-11);
  for (double coefficient :
       {2.08757232129817482790e-09, -2.75573143513906633035e-07, 2.48015872894767294178e-05,
        -1.38888888888741095749e-03, 4.16666666666666019037e-02, -0.5, 1.0}) {
    cosine = fma(cosine, z, constant(coefficient));
  }
  Num odd = quadrant % 2 == 1;
  Num c = select(odd, sine, cosine), s = select(odd, cosine, sine);
  // cos is negative in quadrants 1 and 2, sin in 2 and 3.
  c = select(quadrant == 1 || quadrant == 2, negate(c), c);
  s = select(integer(1) < quadrant, negate(s), s);
  return {c.value, s.value};
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

static scf::ForOp makeLoop(Code &code, Num from, Num to, int64_t step,
                           llvm::function_ref<void(Num)> body) {
  OpBuilder &b = code.builder;
  auto made = scf::ForOp::create(b, code.loc, from.value, to.value, code.integer(step).value);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(made.getBody()->getTerminator());
  body(code.wrap(made.getInductionVar()));
  return made;
}

void Code::loop(Num from, Num to, int64_t step, llvm::function_ref<void(Num)> body) {
  makeLoop(*this, from, to, step, body);
}

void Code::rolledLoop(Num from, Num to, int64_t step, llvm::function_ref<void(Num)> body,
                      bool memoryStays) {
  MLIRContext *context = builder.getContext();
  BoolAttr yes = builder.getBoolAttr(true);
  auto unroll = LLVM::LoopUnrollAttr::get(context, /*disable=*/yes, {}, {}, {}, {}, {}, {});
  LLVM::LoopLICMAttr licm;
  if (memoryStays) {
    licm = LLVM::LoopLICMAttr::get(context, /*disable=*/yes, {});
  }
  auto annotation = LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, licm, {}, {}, {},
                                                  {}, {}, {}, {}, {}, {});
  makeLoop(*this, from, to, step, body)->setAttr(loopAnnotation, annotation);
}

void Code::when(Num condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no) {
  auto made = scf::IfOp::create(builder, loc, condition.value, /*withElseRegion=*/bool(no));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(made.thenBlock()->getTerminator());
  yes();
  if (no) {
    builder.setInsertionPoint(made.elseBlock()->getTerminator());
    no();
  }
}

void Code::whenRarely(Num condition, llvm::function_ref<void()> yes,
                      llvm::function_ref<void()> no) {
  Value never = arith::ConstantOp::create(builder, loc, builder.getBoolAttr(false));
  when(wrap(LLVM::ExpectOp::create(builder, loc, condition.value, never)), yes, no);
}

void Code::columns(int64_t n, llvm::function_ref<void(Num, int64_t)> body) {
  int64_t whole = n / lanes() * lanes();
  if (whole > 0) {
    loop(integer(0), integer(whole), lanes(), [&](Num i) { body(i, lanes()); });
  }
  if (n > whole) {
    body(integer(whole), n - whole);
  }
}

} // namespace dsv3::cpu
