//===- PanelColumns.cpp - what lies in panels, as f32 ---------------------===//
#include "PanelColumns.h"

#include "Graph/Graph.h"
#include "dsv3/Plan/Layout.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>

using namespace mlir;

namespace dsv3::cpu {

/// `value` in each element of a vector of integers.
static Value splatBits(Code &code, Value like, int64_t value) {
  auto type = cast<VectorType>(like.getType());
  IntegerAttr one = code.builder.getIntegerAttr(
      type.getElementType(), APInt(type.getElementTypeBitWidth(), uint64_t(value), false, true));
  return arith::ConstantOp::create(code.builder, code.loc, SplatElementsAttr::get(type, one));
}

static Value bitcast(Code &code, Value vector, Type element) {
  auto type = cast<VectorType>(vector.getType());
  int64_t count = type.getNumElements() * type.getElementTypeBitWidth() /
                  static_cast<int64_t>(element.getIntOrFloatBitWidth());
  auto to = VectorType::get({count}, element);
  // Elements of another size: as LLVM sees them.
  return LLVM::BitcastOp::create(code.builder, code.loc, to, vector);
}

static Value andBits(Code &code, Value vector, int64_t mask) {
  return arith::AndIOp::create(code.builder, code.loc, vector, splatBits(code, vector, mask));
}

/// Two vectors of bfloat16 that lie side by side in 32-bit words, as f32.
static std::array<Num, 2> halvesOfWords(Code &code, Value words) {
  Value low = arith::ShLIOp::create(code.builder, code.loc, words, splatBits(code, words, 16));
  return {code.wrap(bitcast(code, low, code.f32())),
          code.wrap(bitcast(code, andBits(code, words, 0xFFFF0000), code.f32()))};
}

/// Calls body(vector, f32) for the four vectors of codes in the order and form of panels
/// (dsv3/Plan/Layout.h), `tiny` or with the exponent that they mean. Those whose exponent is 0 then
/// come out as if they had a leading one and the exponent below.
static void expandCodes(Code &code, Value codes, bool tiny,
                        llvm::function_ref<void(int64_t, Num)> body) {
  OpBuilder &b = code.builder;
  int64_t bytes = cast<VectorType>(codes.getType()).getNumElements();
  // The first byte of a bfloat16 for each sign and upper three bits of an exponent; its second
  // byte is the lowest bit of the exponent and the mantissa. The exponent's bias goes from 7
  // to 127, or stays.
  constexpr int64_t upperExponents = 8, lane = plan::codesOfLane;
  int64_t biasChange = tiny ? 0 : (127 - 7) / 2;
  SmallVector<int8_t> table;
  for (int64_t i = 0; i < bytes; ++i) {
    int64_t sign = i % lane / upperExponents;
    table.push_back(static_cast<int8_t>(sign << 7 | (biasChange + i % upperExponents)));
  }
  Value tableOfLanes = arith::ConstantOp::create(
      b, code.loc,
      DenseElementsAttr::get(cast<VectorType>(codes.getType()), ArrayRef<int8_t>(table)));
  assert((bytes == 32 || bytes == 64) && "a register of AVX2 or AVX-512");
  StringRef lookup = bytes == 64 ? "llvm.x86.avx512.pshuf.b.512" : "llvm.x86.avx2.pshuf.b";
  Value first = LLVM::CallIntrinsicOp::create(b, code.loc, codes.getType(), b.getStringAttr(lookup),
                                              ValueRange{tableOfLanes, andBits(code, codes, 0x0F)})
                    .getResults();
  Value second = andBits(code, codes, 0xF0);
  for (int64_t half : {0, 1}) {
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < bytes; ++i) {
      int64_t byte = i / lane * lane + half * (lane / 2) + i % lane / 2;
      order.push_back(i % 2 == 0 ? byte : bytes + byte);
    }
    Value words = vector::ShuffleOp::create(b, code.loc, second, first, order);
    auto [low, high] = halvesOfWords(code, bitcast(code, words, code.i32()));
    body(2 * half, low);
    body(2 * half + 1, high);
  }
}

/// Whether a code of a panel has exponent 0.
static Num anySubnormal(Code &code, ArrayRef<Value> columns) {
  OpBuilder &b = code.builder;
  Value any;
  for (Value codes : columns) {
    Value exponents = andBits(code, codes, plan::panelCode(0x78));
    Value zero = arith::CmpIOp::create(b, code.loc, arith::CmpIPredicate::eq, exponents,
                                       splatBits(code, codes, 0));
    any = any ? arith::OrIOp::create(b, code.loc, any, zero).getResult() : zero;
  }
  return code.wrap(vector::ReductionOp::create(b, code.loc, vector::CombiningKind::OR, any));
}

/// What expandCodes makes of a code, corrected where the exponent is 0: m / 8 * 2^-6, of which
/// it made (1 + m / 8) * 2^-7. The smaller of number and corrected number is right for every
/// code, and exact.
static Num correctSubnormal(Code &code, Num number) {
  int64_t lanes = widthOf(number);
  Num magnitude = code.abs(number);
  Num corrected = magnitude + magnitude - code.splat(code.number(0x1p-6), lanes);
  Value sign = andBits(code, bitcast(code, number.value, code.i32()), 0x80000000);
  Value bits = bitcast(code, code.min(magnitude, corrected).value, code.i32());
  return code.wrap(
      bitcast(code, arith::OrIOp::create(code.builder, code.loc, bits, sign), code.f32()));
}

static void withCodes(Code &code, int64_t width, Memory first, int64_t count, bool tiny,
                      llvm::function_ref<void(int64_t, int64_t, Num)> body) {
  SmallVector<Value> columns;
  for (int64_t c = 0; c < count; ++c) {
    columns.push_back((first + c * width).as(code.i8()).raw(width));
  }
  auto expand = [&](llvm::function_ref<Num(Num)> corrected) {
    for (auto [c, codes] : llvm::enumerate(columns)) {
      expandCodes(code, codes, tiny, [&, c = static_cast<int64_t>(c)](int64_t v, Num vector) {
        body(c, v, corrected(vector));
      });
    }
  };
  auto asTheyAre = [](Num vector) { return vector; };
  if (tiny) {
    expand(asTheyAre);
    return;
  }
  // Weights have one such code in thousands.
  code.whenRarely(
      anySubnormal(code, columns),
      [&] { expand([&](Num vector) { return correctSubnormal(code, vector); }); },
      [&] { expand(asTheyAre); });
}

/// Columns of i8, widened by the processor's own conversions.
static void withBytes(Code &code, int64_t width, Memory first, int64_t count,
                      llvm::function_ref<void(int64_t, int64_t, Num)> body) {
  OpBuilder &b = code.builder;
  int64_t lanes = width / plan::codeVectors;
  for (int64_t c = 0; c < count; ++c) {
    for (int64_t v = 0; v < plan::codeVectors; ++v) {
      Value bytes = (first + (c * width + v * lanes)).raw(lanes);
      auto type = cast<VectorType>(bytes.getType());
      Value wide = arith::ExtSIOp::create(b, code.loc, type.clone(b.getI32Type()), bytes);
      body(c, v, code.wrap(arith::SIToFPOp::create(b, code.loc, type.clone(b.getF32Type()), wide)));
    }
  }
}

/// Two columns of i4 for each word. A code is converted where it lies in its word, so that it comes
/// out times 16 for each vector before it: a mask and a conversion, which other units do than the
/// multiplications. A tiny one needs no conversion: such bits of an f32 count as a number of its
/// smallest ones. The second column of a word is read from two bytes further on where that may be,
/// which costs no unit of vectors, else shifted.
static void withHalfBytes(Code &code, int64_t width, Memory first, int64_t count,
                          const Expansion &expansion,
                          llvm::function_ref<void(int64_t, int64_t, Num)> body) {
  OpBuilder &b = code.builder;
  int64_t lanes = width / plan::codeVectors;
  for (int64_t c = 0; c < count; ++c) {
    bool isSecond = c % plan::columnsOfWord != 0;
    Memory both = (first + (isSecond ? c - 1 : c) * width).as(code.i32());
    Value words;
    if (isSecond && expansion.readsOn) {
      Memory upper = both.as(code.i8()) + 2;
      words = bitcast(code, upper.raw(lanes * 4), code.i32());
    } else {
      words = both.raw(lanes);
      if (isSecond) {
        words = arith::ShRUIOp::create(b, code.loc, words, splatBits(code, words, 16));
      }
    }
    Type f32 = cast<VectorType>(words.getType()).clone(b.getF32Type());
    for (int64_t v = 0; v < plan::codeVectors; ++v) {
      Value inPlace = andBits(code, words, int64_t(15) << (4 * v));
      body(c, v,
           code.wrap(expansion.tiny ? bitcast(code, inPlace, b.getF32Type())
                                    : arith::SIToFPOp::create(b, code.loc, f32, inPlace)));
    }
  }
}

/// The two vectors of a column of elements of 16 or 32 bits.
static std::array<Num, 2> loadWide(Code &code, int64_t width, Memory column) {
  int64_t lanes = width / 2;
  if (column.elementType().isF32()) {
    return {column.floats(lanes), (column + lanes).floats(lanes)};
  }
  Value words = column.as(code.i32()).raw(lanes);
  if (column.elementType().isBF16()) {
    return halvesOfWords(code, words);
  }
  OpBuilder &b = code.builder;
  auto type = cast<VectorType>(words.getType());
  auto half = [&](Value word) {
    Value narrow = arith::TruncIOp::create(b, code.loc, type.clone(b.getI16Type()), word);
    Value f16 = bitcast(code, narrow, b.getF16Type());
    return code.wrap(arith::ExtFOp::create(b, code.loc, type.clone(b.getF32Type()), f16));
  };
  Value high = arith::ShRUIOp::create(b, code.loc, words, splatBits(code, words, 16));
  return {half(words), half(high)};
}

/// Of two vectors of words, each 128 bits apart: pieces of `size` words of one and the other in
/// turn, from their lower or upper halves.
static Value unpacked(Code &code, Value a, Value b, int64_t size, bool upper) {
  int64_t words = cast<VectorType>(a.getType()).getNumElements();
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < words; ++i) {
    int64_t inLane = i % 4, piece = inLane / (2 * size) * size + inLane % size + (upper ? 2 : 0);
    order.push_back(i - inLane + piece + (inLane / size % 2 == 1 ? words : 0));
  }
  return vector::ShuffleOp::create(code.builder, code.loc, a, b, order);
}

/// Of two vectors the even, or odd, pieces of 128 bits, those of the first one first.
static Value everyOther(Code &code, Value a, Value b, bool odd) {
  int64_t words = cast<VectorType>(a.getType()).getNumElements();
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < words; ++i) {
    order.push_back((i / 4 * 2 + (odd ? 1 : 0)) * 4 + i % 4);
  }
  return vector::ShuffleOp::create(code.builder, code.loc, a, b, order);
}

/// Rows of 32-bit words, as many as each has words, as columns: vector i has word i of each row.
/// In the shuffles of AVX that are an instruction each.
static SmallVector<Value> transposed(Code &code, ArrayRef<Value> rows) {
  size_t lanes = rows.size(), fours = lanes / 4;
  // quarters[c][g]: of rows 4 g to 4 g + 3 words c, c + 4, …
  std::array<SmallVector<Value>, 4> quarters;
  for (size_t g = 0; g < fours; ++g) {
    ArrayRef<Value> four = rows.slice(4 * g, 4);
    for (bool upper : {false, true}) {
      Value first = unpacked(code, four[0], four[1], 1, upper);
      Value second = unpacked(code, four[2], four[3], 1, upper);
      quarters[upper ? 2 : 0].push_back(unpacked(code, first, second, 2, false));
      quarters[upper ? 3 : 1].push_back(unpacked(code, first, second, 2, true));
    }
  }
  SmallVector<Value> columns(lanes);
  for (auto [c, quarter] : llvm::enumerate(quarters)) {
    // The pieces of 128 bits of these vectors are transposed alike: with each step those that
    // belong to one column are twice as many.
    SmallVector<Value> pieces = quarter;
    for (size_t known = 1; known < fours; known *= 2) {
      SmallVector<Value> next;
      for (bool odd : {false, true}) {
        for (size_t i = 0; i < fours; i += 2) {
          next.push_back(everyOther(code, pieces[i], pieces[i + 1], odd));
        }
      }
      pieces = std::move(next);
    }
    for (size_t j = 0; j < fours; ++j) {
      columns[4 * j + c] = pieces[j];
    }
  }
  return columns;
}

/// Columns of bf16 in place: a word holds two of a row, so words that are exchanged for rows are
/// two vectors.
static void withRowsInPlace(Code &code, const PanelForm &form, Memory first, int64_t count,
                            llvm::function_ref<void(int64_t, int64_t, Num)> body) {
  constexpr int64_t elementsOfWord = 2, bytesOfWord = 4;
  int64_t lanes = code.lanes();
  for (int64_t v = 0; v < form.width / lanes; ++v) {
    for (int64_t c = 0; c < count; c += lanes * elementsOfWord) {
      SmallVector<Value> rows;
      for (int64_t i = 0; i < lanes; ++i) {
        Memory row = first + ((v * lanes + i) * form.rowStride + c);
        // Rows begin anywhere.
        rows.push_back(bitcast(code, row.as(code.i8()).raw(lanes * bytesOfWord), code.i32()));
      }
      for (auto [i, words] : llvm::enumerate(transposed(code, rows))) {
        auto [low, high] = halvesOfWords(code, words);
        int64_t column = c + static_cast<int64_t>(i) * elementsOfWord;
        body(column, v, low);
        body(column + 1, v, high);
      }
    }
  }
}

void withColumns(Code &code, const PanelForm &form, Memory first, int64_t count,
                 const Expansion &expansion, llvm::function_ref<void(int64_t, int64_t, Num)> body) {
  int64_t width = form.width;
  if (form.rowStride > 0) {
    withRowsInPlace(code, form, first, count, body);
    return;
  }
  if (isa<Float8E4M3FNType>(first.elementType())) {
    withCodes(code, width, first, count, expansion.tiny, body);
    return;
  }
  if (first.elementType().isInteger(8)) {
    withBytes(code, width, first, count, body);
    return;
  }
  if (first.elementType().isInteger(4)) {
    withHalfBytes(code, width, first, count, expansion, body);
    return;
  }
  for (int64_t c = 0; c < count; ++c) {
    auto [low, high] = loadWide(code, width, first + c * width);
    body(c, 0, low);
    body(c, 1, high);
  }
}

int64_t columnsTogether(const PanelForm &form, Type element) {
  return form.rowStride > 0 ? plan::inPlaceColumns : element.isInteger(4) ? plan::columnsOfWord : 1;
}

bool hasRowScales(Type element) {
  std::optional<DType> codes = graph::codesOf(element);
  return codes && isScaledAlongRows(*codes);
}

double tinyCodes(Type element) { return element.isInteger(4) ? 0x1p-149 : 0x1p-120; }

/// Numbers of a scale: with i4 comes an offset.
static int64_t numbersOfScale(Type element) {
  std::optional<ScaleForm> form = scaleForm(*graph::codesOf(element));
  assert(form && "codes have scales");
  return form->numbers;
}

BlockScales BlockScales::load(Code &code, int64_t width, Type element, Memory from, double share) {
  BlockScales block;
  int64_t lanes = code.lanes();
  for (int64_t begin = 0; begin < width; begin += lanes) {
    Num scale = (from + begin).floats(lanes);
    if (numbersOfScale(element) > 1) {
      block.offsets.push_back((from + (width + begin)).floats(lanes));
    }
    if (element.isInteger(4)) { // what withColumns makes too large, exactly
      double ofVector = std::ldexp(share, -4 * static_cast<int>(begin / lanes));
      scale = scale * code.splat(code.number(ofVector), lanes);
    }
    block.scales.push_back(scale);
  }
  return block;
}

Num BlockScales::apply(Num codes, int64_t vector) const {
  auto index = static_cast<size_t>(vector);
  return offsets.empty() ? codes * scales[index]
                         : codes.code->fma(codes, scales[index], offsets[index]);
}

void forColumns(Code &code, const PanelForm &form, Num begin, Num end, int64_t unroll, Type element,
                llvm::function_ref<void(Num, int64_t)> body) {
  int64_t together = columnsTogether(form, element);
  for (int64_t count = unroll; count > together; count = together) {
    Num whole = begin + (end - begin) / count * count;
    code.loop(begin, whole, count, [&](Num k) { body(k, count); });
    begin = whole;
  }
  Num whole = begin + (end - begin) / together * together;
  code.loop(begin, whole, together, [&](Num k) { body(k, together); });
  if (element.isInteger(4)) {
    code.when(whole < end, [&] { body(whole, 1); });
  }
}

int64_t scaleBlockElements(Type element, int64_t width) { return width * numbersOfScale(element); }

} // namespace dsv3::cpu
