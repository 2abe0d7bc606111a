//===- Sample.cpp - kern.sample -------------------------------------------===//
//
// The largest of a row is found in blocks of whole vectors, which know of numbers alone;
// where it stands is looked up afterwards, in the first block that has it. What is left
// behind the last block is looked at one by one.
//
// A draw is scalar code: it adds up weights by digits of logits, as the GPUs' kernel does
// (runtime/kernels/cuda/family/sample.cuh), and nothing is sorted.
//
//===----------------------------------------------------------------------===//
#include "KernelCode.h"

#include "dsv3/Plan/Scratch.h"
#include "dsv3/Support/Sampling.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;

namespace dsv3::cpu {

/// Vectors of a block, and how many of them are the largest so far side by side.
static constexpr int64_t blockVectors = 32, chains = 4;

static Num infinityOf(Code &code) { return code.number(std::numeric_limits<double>::infinity()); }

/// The largest of the vectors of a block; NaN is never one.
static Num largestOfBlock(Code &code, Memory block) {
  Num lowest = code.splat(code.negate(infinityOf(code)), code.lanes());
  SmallVector<Num> largest(chains, lowest);
  for (int64_t i = 0; i < blockVectors; ++i) {
    Num vector = (block + i * code.lanes()).floats(code.lanes());
    largest[i % chains] = code.max(largest[i % chains], vector);
  }
  return code.largestOf(
      code.max(code.max(largest[0], largest[1]), code.max(largest[2], largest[3])));
}

namespace {
struct Best {
  Num value, index; ///< -infinity and -1 where there is none
};
} // namespace

/// The largest of the first `limit`, and the lowest place of it.
static Best emitBest(Code &code, Memory row, Num limit) {
  int64_t block = blockVectors * code.lanes();
  Num zero = code.integer(0), whole = limit / block * block;
  Var most = code.variable(code.negate(infinityOf(code))), begin = code.variable(zero);
  auto offer = [&](Num value, Num column) {
    code.when(value > most.get(), [&] {
      most.set(value);
      begin.set(column);
    });
  };
  code.loop(zero, whole, block, [&](Num i) { offer(largestOfBlock(code, row + i), i); });
  code.loop(whole, limit, 1, [&](Num i) { offer((row + i).floats(), i); });
  // From the end of the block on: the last one found is the lowest.
  Num first = begin.get(), last = code.min(first + block, limit) - 1;
  Var index = code.variable(code.integer(-1));
  code.loop(first, last + 1, 1, [&](Num i) {
    Num column = first + (last - i);
    code.when((row + column).floats() == most.get(), [&] { index.set(column); });
  });
  return {most.get(), index.get()};
}

/// Cut off after the point.
static Num toInteger(Num x) {
  Code &code = *x.code;
  return code.wrap(
      arith::FPToSIOp::create(code.builder, code.loc, code.builder.getI64Type(), x.value));
}

/// The f32 with the low 32 bits of an i64.
static Num fromBits(Num bits) {
  Code &code = *bits.code;
  Value low = arith::TruncIOp::create(code.builder, code.loc, code.i32(), bits.value);
  return code.wrap(arith::BitcastOp::create(code.builder, code.loc, code.f32(), low));
}

static constexpr int64_t wordRange = int64_t(1) << 32, signedRange = wordRange / 2;

/// floor((sum factor + add) / 2^32), for sums and what is added below 2^61.
static Num scaled(Num sum, Num factor, Num add) {
  Num low = sum % wordRange * factor;
  return sum / wordRange * factor + low / wordRange + (low % wordRange + add) / wordRange;
}

namespace {

/// The logits of a row below the limit, and those of them that are kept.
struct Drawing {
  Drawing(Code &code, Memory logits, Num limit, Num scale, Num largest, Memory sums)
      : code(code), logits(logits), limit(limit), scale(scale), largest(largest), sums(sums),
        border(code.variable(code.integer(-signedRange))), lastTie(code.variable(limit)) {}

  void emitKeep(bool counts, Num wanted) const;
  Num emitSum() const;
  /// The first id up to which weights of `least` and more have a sum of more than `draw`
  /// 2^-64 times that of all.
  Num emitDraw(Num least, Num drawHigh, Num drawLow) const;

private:
  static constexpr int64_t digitBits = plan::SampleScratch::digitBits;
  static constexpr int64_t levels = 3;

  Code &code;
  Memory logits;
  Num limit, scale, largest;
  Memory sums; ///< [2^digitBits]
  /// Kept are keys above, and of equal ones the ids up to lastTie.
  Var border, lastTie;

  /// A key for the bits of a logit, and bits for a key: ordered as logits are; zeros are equal.
  Num turned(Num bits) const {
    return code.select(bits < 0, code.integer(-signedRange) - bits, bits);
  }
  Num keyOf(Num id) const { return turned((logits + id).as(code.i32()).integer()); }
  Num isKept(Num key, Num id) const {
    return key > border.get() || (key == border.get() && id < lastTie.get() + 1);
  }
  Num weightOf(Num logit) const;
  Num keptWeight(Num id) const {
    return code.select(isKept(keyOf(id), id), weightOf((logits + id).floats()), code.integer(0));
  }
  void forIds(llvm::function_ref<void(Num)> body) const {
    code.loop(code.integer(0), limit, 1, body);
  }
  /// Bits behind a digit.
  static int64_t behind(int64_t level) {
    return level < levels - 1 ? 32 - (level + 1) * digitBits : 0;
  }
  void emitSums(bool counts, int64_t level, Num digits) const;
  void emitLevel(bool counts, int64_t level, Var wanted, Var digits) const;
  void emitTies(bool counts, Num wanted, Num key) const;
};

} // namespace

/// samplingWeight of dsv3/Support/Sampling.h; 0 of what is not finite.
Num Drawing::weightOf(Num logit) const {
  Num d = logit - largest, x = d * scale, least = code.number(-double(weightBits));
  Num counts = (x > least || x == least) && !(logit > largest);
  x = code.select(counts, x, code.number(0.0));
  d = code.select(counts, d, code.number(0.0));
  Num n = code.wrap(math::FloorOp::create(code.builder, code.loc, x.value));
  Num f = code.fma(d, scale, code.negate(n));
  Num p = code.number(exp2Coefficients.back());
  for (float coefficient : llvm::reverse(ArrayRef(exp2Coefficients).drop_back())) {
    p = code.fma(p, f, code.number(coefficient));
  }
  p = code.fma(p, f, code.number(1.0));
  constexpr int64_t exponentOfOne = 127, mantissa = int64_t(1) << 23;
  Num power = fromBits((toInteger(n) + (weightBits + exponentOfOne)) * mantissa);
  return code.select(counts, toInteger(p * power), code.integer(0));
}

/// What the kept tokens that have the digits before `level` have by the digit. `digits` are those
/// of the border so far, the largest logit having the lowest.
void Drawing::emitSums(bool counts, int64_t level, Num digits) const {
  int64_t shift = int64_t(1) << behind(level);
  code.loop(code.integer(0), code.integer(int64_t(1) << digitBits), 1,
            [&](Num bin) { (sums + bin).store(code.integer(0)); });
  forIds([&](Num id) {
    Num key = keyOf(id), own = code.integer(signedRange - 1) - key;
    Num fits = isKept(key, id);
    if (level > 0) {
      int64_t before = int64_t(1) << behind(level - 1);
      fits = fits && own / before == digits / before;
    }
    code.when(fits, [&] {
      Num weight = weightOf((logits + id).floats());
      Memory bin =
          sums + (own / shift %
                  (int64_t(1) << (level > 0 ? behind(level - 1) - behind(level) : digitBits)));
      Num more = counts ? code.select(weight == 0, weight, code.integer(1)) : weight;
      bin.store(code.wrap(bin.raw(1)) + more);
    });
  });
}

/// Looks up the digit up to which there is a sum of `wanted`, which is then what is wanted of it
/// alone. Sets `digits` to -1 if there is less in all.
void Drawing::emitLevel(bool counts, int64_t level, Var wanted, Var digits) const {
  emitSums(counts, level, digits.get());
  Var bin = code.variable(code.integer(-1)), before = code.variable(code.integer(0));
  Var left = code.variable(wanted.get());
  code.loop(code.integer(0), code.integer(int64_t(1) << digitBits), 1, [&](Num i) {
    Num own = code.wrap((sums + i).raw(1));
    Num sum = before.get() + own;
    code.when(bin.get() < 0 && !(sum < wanted.get()), [&] {
      bin.set(i);
      left.set(wanted.get() - before.get());
    });
    before.set(sum);
  });
  wanted.set(left.get());
  digits.set(code.select(bin.get() < 0, code.integer(-1),
                         digits.get() + bin.get() * (int64_t(1) << behind(level))));
}

/// The border is `key`, of whose tokens the first ones are kept that have a sum of `wanted`.
void Drawing::emitTies(bool counts, Num wanted, Num key) const {
  Num each = counts ? code.integer(1) : weightOf(fromBits(turned(key)));
  Var ties = code.variable((wanted + each - 1) / each);
  Var last = code.variable(code.select(key == border.get(), lastTie.get(), limit));
  forIds([&](Num id) {
    Num own = keyOf(id);
    code.when(own == key && isKept(own, id), [&] {
      last.set(code.select(ties.get() == 1, id, last.get()));
      ties.set(ties.get() - 1);
    });
  });
  border.set(key);
  lastTie.set(last.get());
}

/// Keeps the fewest tokens, the most likely first, that have a sum of `wanted`: of their number, or
/// of their weights. All, if they have less.
void Drawing::emitKeep(bool counts, Num wanted) const {
  Var left = code.variable(wanted), digits = code.variable(code.integer(0));
  emitLevel(counts, 0, left, digits);
  code.when(!(digits.get() < 0), [&] {
    for (int64_t level = 1; level < levels; ++level) {
      emitLevel(counts, level, left, digits);
    }
    emitTies(counts, left.get(), code.integer(signedRange - 1) - digits.get());
  });
}

Num Drawing::emitSum() const {
  Var sum = code.variable(code.integer(0));
  forIds([&](Num id) { sum.set(sum.get() + keptWeight(id)); });
  return sum.get();
}

Num Drawing::emitDraw(Num least, Num drawHigh, Num drawLow) const {
  auto likely = [&](Num id) {
    Num weight = keptWeight(id);
    return code.select(weight < least, code.integer(0), weight);
  };
  Var all = code.variable(code.integer(0)), sum = code.variable(code.integer(0));
  forIds([&](Num id) { all.set(all.get() + likely(id)); });
  Num place = scaled(all.get(), drawHigh, scaled(all.get(), drawLow, code.integer(0)));
  Var token = code.variable(code.integer(noToken));
  forIds([&](Num id) {
    Num until = sum.get() + likely(id);
    code.when(token.get() < 0 && place < until, [&] { token.set(id); });
    sum.set(until);
  });
  return token.get();
}

/// The words of a SamplingRow (dsv3/Support/Sampling.h), in their order.
enum Word : int64_t { Limit, Scale, TopK, Cut, Least, DrawHigh, DrawLow };

static Num emitDrawn(Code &code, Memory row, Memory logits, Num limit, Num largest, Memory sums) {
  auto word = [&](Word which) { return (row + which).integer() % wordRange; };
  Num scale = (row + Scale).as(code.f32()).floats();
  Drawing drawing(code, logits, limit, scale, largest, sums);
  Num topK = (row + TopK).integer(), cut = word(Cut);
  code.when(topK > code.integer(0) && topK < limit, [&] { drawing.emitKeep(true, topK); });
  code.when(cut > code.integer(0), [&] {
    Num all = drawing.emitSum();
    drawing.emitKeep(false, all - scaled(all, cut, code.integer(0)));
  });
  Num least = word(Least) * (int64_t(1) << (weightBits - 32));
  return drawing.emitDraw(least, word(DrawHigh), word(DrawLow));
}

/// The largest finite logit; -infinity where there is none.
static Num emitLargestFinite(Code &code, Memory logits, Num limit) {
  Num infinity = infinityOf(code);
  Var most = code.variable(code.negate(infinity));
  code.loop(code.integer(0), limit, 1, [&](Num i) {
    Num value = (logits + i).floats();
    code.when(value > most.get() && value < infinity, [&] { most.set(value); });
  });
  return most.get();
}

void emitSample(const KernelCode &kernel, kern::SampleOp op, Num tile) {
  Code &code = kernel.code;
  Rows x = kernel.rows(op.getX()), rows = kernel.rows(op.getRows());
  Memory out = kernel.memory(op.getDestination());
  Memory sums = Memory(code, kernel.scratch, code.f32()) + plan::SampleScratch().sums;
  sums = sums.as(code.builder.getI64Type());
  Num infinity = infinityOf(code);
  kernel.forRows(op.getResult(), tile, [&](Num o) {
    Memory logits = x.row(o), row = rows.row(o);
    Num limit =
        code.max(code.min((row + Limit).integer(), code.integer(x.columns)), code.integer(0));
    Best best = emitBest(code, logits, limit);
    Var largest = code.variable(best.value);
    Var token = code.variable(
        code.select(code.abs(best.value) < infinity, best.index, code.integer(noToken)));
    code.when(!((row + Scale).as(code.f32()).floats() == code.number(0.0)), [&] {
      code.when(best.value == infinity,
                [&] { largest.set(emitLargestFinite(code, logits, limit)); });
      code.when(largest.get() > code.negate(infinity),
                [&] { token.set(emitDrawn(code, row, logits, limit, largest.get(), sums)); });
    });
    (out + o).store(token.get());
  });
}

} // namespace dsv3::cpu
