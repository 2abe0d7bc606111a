//===- Code.h - arithmetic, memory and loops, spelled shortly ---*- C++ -*-===//
//
// What the emitters of kernel families write code with: numbers with the operators
// of C++, memory behind bare pointers, loops and variables. Everything becomes ops
// of arith, math, vector, scf and llvm at the builder's insertion point.
//
// A Num is an i64, an i1, an f32, or a vector of f32 of any width. Vectors may have
// odd widths: LLVM splits them and never touches memory beyond their elements.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Plan/CpuTiles.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace dsv3::cpu {

/// Bytes of a line of a cache.
inline constexpr int64_t lineBytes = 64;
/// What a loop says to LLVM, until it is a branch that has an attribute for it.
inline constexpr llvm::StringLiteral loopAnnotation = "llvm.loop_annotation";

class Code;

/// A value under construction.
struct Num {
  Code *code = nullptr;
  mlir::Value value;
};

Num operator+(Num a, Num b);
Num operator-(Num a, Num b);
Num operator*(Num a, Num b);
/// Integers are divided as unsigned numbers: sizes and indices.
Num operator/(Num a, Num b);
Num operator%(Num a, Num b);
Num operator+(Num a, int64_t b);
Num operator-(Num a, int64_t b);
Num operator*(Num a, int64_t b);
Num operator/(Num a, int64_t b);
Num operator%(Num a, int64_t b);
/// Comparisons of scalars, signed; of f32 false if one is NaN.
Num operator<(Num a, Num b);
Num operator<(Num a, int64_t b);
Num operator>(Num a, Num b);
Num operator==(Num a, Num b);
Num operator==(Num a, int64_t b);
Num operator&&(Num a, Num b);
Num operator||(Num a, Num b);
Num operator!(Num a);

/// A cache that a line may be asked into.
enum class Cache { First, Second };

/// Elements of one type behind a pointer.
class Memory {
public:
  Memory() = default;
  Memory(Code &code, mlir::Value pointer, mlir::Type element)
      : code(&code), pointer(pointer), element(element) {}

  mlir::Value address() const { return pointer; }
  mlir::Type elementType() const { return element; }
  /// The memory that begins `index` elements further on; of i4 an even number.
  Memory operator+(Num index) const;
  Memory operator+(int64_t index) const;
  /// The same address, other elements.
  Memory as(mlir::Type type) const { return {*code, pointer, type}; }

  /// Element 0, an i32, as i64.
  Num integer() const;
  /// Elements 0 to width, f32, bf16 or f16, as f32.
  Num floats(int64_t width = 1) const;
  /// `width` elements as they lie there.
  mlir::Value raw(int64_t width) const;
  /// Brings the cache line that begins `bytes` further on into a cache. It may lie anywhere.
  void prefetch(int64_t bytes, Cache cache) const;
  /// Stores f32, rounded to nearest, even, where elements are bf16 or f16; into i32, an i64.
  void store(Num value) const;

private:
  Code *code = nullptr;
  mlir::Value pointer;
  mlir::Type element;
};

/// A variable; LLVM turns it into registers.
class Var {
public:
  Var(Code &code, mlir::Value slot, mlir::Type type) : code(&code), slot(slot), type(type) {}
  Num get() const;
  void set(Num value) const;

private:
  Code *code;
  mlir::Value slot;
  mlir::Type type;
};

class Code {
public:
  /// `entry` is the first block of the function: variables live there.
  Code(mlir::OpBuilder &builder, mlir::Location loc, mlir::Block &entry,
       const plan::CpuVariant &variant)
      : builder(builder), loc(loc), variant(variant), entry(entry) {}

  Num integer(int64_t value);
  Num number(double value);
  /// `value` in each of `width` lanes; a scalar for width 1.
  Num splat(Num value, int64_t width);
  Num zeros(int64_t width) { return splat(number(0.0), width); }
  Num wrap(mlir::Value value) { return {this, value}; }

  /// a × b + c with one rounding.
  Num fma(Num a, Num b, Num c);
  Num min(Num a, Num b);
  Num max(Num a, Num b);
  Num select(Num condition, Num yes, Num no);
  /// Of elements of one type.
  Memory select(Num condition, Memory yes, Memory no);
  Num sqrt(Num x);
  Num abs(Num x);
  /// The bits of f32 as i32, and back. Those of magnitudes compare as these do, NaN the largest.
  Num bitsOf(Num x);
  Num floatOf(Num bits);
  Num negate(Num x);
  /// e^x, within 2 units in the last place; 0 and infinity where it leaves the range.
  Num exp(Num x);
  /// A vector with zeros behind it, so that it has all lanes of a register.
  Num widened(Num vector);
  /// Lanes [begin, begin + width); of width 1 a number.
  Num part(Num vector, int64_t begin, int64_t width);
  /// Of a power of two of vectors, as many as they have lanes at most: lane i is the sum of vector
  /// i.
  Num sumsOf(llvm::ArrayRef<Num> vectors);
  /// The sum, or the largest, of the lanes.
  Num sumOf(Num vector);
  Num largestOf(Num vector);
  /// Cosine and sine of an f32, computed in f64, as f64.
  std::pair<mlir::Value, mlir::Value> cosSin(Num angle);

  Var variable(Num initial);
  void loop(Num from, Num to, int64_t step, llvm::function_ref<void(Num)> body);
  /// The same, which LLVM does not unroll: of more it would keep values in memory. Nor does it put
  /// values in registers that the body has in memory, if they shall stay there.
  void rolledLoop(Num from, Num to, int64_t step, llvm::function_ref<void(Num)> body,
                  bool memoryStays = false);
  void when(Num condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no = nullptr);
  /// The same where the condition hardly ever holds: that code is kept out of the way.
  void whenRarely(Num condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no);
  /// Calls body(i, width) for the columns 0 to n: whole vectors in a loop, then the rest.
  void columns(int64_t n, llvm::function_ref<void(Num, int64_t)> body);

  mlir::Type i8() { return builder.getI8Type(); }
  mlir::Type i32() { return builder.getI32Type(); }
  mlir::Type f32() { return builder.getF32Type(); }
  mlir::Type f64() { return builder.getF64Type(); }
  int64_t lanes() const { return variant.lanes; }

  mlir::OpBuilder &builder;
  mlir::Location loc;
  const plan::CpuVariant &variant;

private:
  mlir::Block &entry;
};

/// Lanes of a value; 1 for a scalar.
int64_t widthOf(Num value);

} // namespace dsv3::cpu
