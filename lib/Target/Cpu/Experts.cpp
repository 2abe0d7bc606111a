//===- Experts.cpp - router and dispatch ----------------------------------===//
//
// Choices among a few hundred numbers: scalar code in the order that the reference
// has, so that ties go to the lowest expert.
//
//===----------------------------------------------------------------------===//
#include "KernelCode.h"

#include "dsv3/Plan/Scratch.h"

using namespace mlir;

namespace dsv3::cpu {

/// The index of the largest of values[begin, end), the lowest of equals; `begin` if all
/// are NaN.
static Num indexOfLargest(Code &code, Memory values, Num begin, Num end) {
  Var best = code.variable(begin);
  Var most = code.variable((values + begin).floats());
  code.loop(begin + 1, end, 1, [&](Num i) {
    Num value = (values + i).floats();
    code.when(value > most.get(), [&] {
      best.set(i);
      most.set(value);
    });
  });
  return best.get();
}

namespace {

/// The router's choice for one token, in the steps and with the names of the paper
/// (DeepSeek-V3 Technical Report, 2.1.2).
struct Routing {
  Code &code;
  int64_t experts, groups, topGroups, topK;
  Memory scores;      ///< s of each expert
  Memory biased;      ///< s + b; -infinity where an expert cannot be chosen
  Memory groupScores; ///< of each group

  void emitScores(Memory logits, Memory bias) const;
  void emitGroupScores() const;
  void emitGroupLimit() const;
  /// Chooses experts; `toWeights` gets their scores, heaviest first if `descending`.
  /// The sum of the scores.
  Num emitTopK(Memory toExperts, Memory toWeights, bool descending) const;

private:
  Num zero() const { return code.integer(0); }
  Num excluded() const { return code.number(-std::numeric_limits<double>::infinity()); }
};

} // namespace

/// s = sigmoid(logits)
void Routing::emitScores(Memory logits, Memory bias) const {
  code.columns(experts, [&](Num e, int64_t width) {
    Num one = code.splat(code.number(1.0), width);
    Num score = one / (one + code.exp(code.negate((logits + e).floats(width))));
    (scores + e).store(score);
    (biased + e).store(score + (bias + e).floats(width));
  });
}

/// A group counts as much as its two best experts together.
void Routing::emitGroupScores() const {
  int64_t size = experts / groups;
  code.loop(zero(), code.integer(groups), 1, [&](Num g) {
    Num begin = g * size, end = begin + size;
    Num best = indexOfLargest(code, biased, begin, end);
    Num most = (biased + best).floats();
    (biased + best).store(excluded());
    Num second = (biased + indexOfLargest(code, biased, begin, end)).floats();
    (biased + best).store(most);
    (groupScores + g).store(most + second);
  });
}

/// Chosen groups are marked by the largest number; the others lose their experts.
void Routing::emitGroupLimit() const {
  int64_t size = experts / groups;
  Num chosen = code.number(std::numeric_limits<double>::infinity());
  code.loop(zero(), code.integer(topGroups), 1, [&](Num) {
    Var best = code.variable(code.integer(-1));
    code.loop(zero(), code.integer(groups), 1, [&](Num g) {
      Num value = (groupScores + g).floats();
      Num current = (groupScores + code.max(best.get(), zero())).floats();
      code.when(!(value == chosen) && (best.get() < 0 || value > current), [&] { best.set(g); });
    });
    (groupScores + code.max(best.get(), zero())).store(chosen);
  });
  code.loop(zero(), code.integer(groups), 1, [&](Num g) {
    code.when(!((groupScores + g).floats() == chosen), [&] {
      code.loop(zero(), code.integer(size), 1,
                [&](Num i) { (biased + (g * size + i)).store(excluded()); });
    });
  });
}

Num Routing::emitTopK(Memory toExperts, Memory toWeights, bool descending) const {
  Var sum = code.variable(code.number(0.0));
  code.loop(zero(), code.integer(topK), 1, [&](Num j) {
    Num best = indexOfLargest(code, biased, zero(), code.integer(experts));
    (biased + best).store(excluded());
    Num score = (scores + best).floats();
    sum.set(sum.get() + score);
    // Insert by weight, ties to the lowest expert.
    Var place = code.variable(j);
    code.loop(zero(), j, 1, [&](Num step) {
      Num i = j - 1 - step;
      Num other = (toWeights + i).floats(), number = (toExperts + i).integer();
      Num heavier = descending ? score > other : score < other;
      Num before = heavier || (score == other && best < number);
      code.when(before && place.get() == i + 1, [&] {
        (toWeights + (i + 1)).store(other);
        (toExperts + (i + 1)).store(number);
        place.set(i);
      });
    });
    (toWeights + place.get()).store(score);
    (toExperts + place.get()).store(best);
  });
  return sum.get();
}

void emitRouter(const KernelCode &kernel, kern::RouterOp op, Num tile) {
  Code &code = kernel.code;
  Rows logits = kernel.rows(op.getLogits());
  Rows experts = kernel.rows(op.getExpertsDestination());
  Rows weights = kernel.rows(op.getWeightsDestination());
  Memory bias = kernel.memory(op.getBias());
  auto groups = static_cast<int64_t>(op.getGroups());
  double factor = op.getScale().convertToDouble();
  plan::RouterScratch places(logits.columns, groups);
  Memory scratch(code, kernel.scratch, code.f32());
  Routing routing{code,
                  logits.columns,
                  groups,
                  static_cast<int64_t>(op.getTopGroups()),
                  experts.columns,
                  scratch + places.scores,
                  scratch + places.biased,
                  scratch + places.groupScores};

  kernel.forRows(op.getExperts(), tile, [&](Num t) {
    routing.emitScores(logits.row(t), bias);
    if (groups > 1) {
      routing.emitGroupScores();
      routing.emitGroupLimit();
    }
    Memory toWeights = weights.row(t);
    // A negative factor turns the order of the weights around.
    Num sum = routing.emitTopK(experts.row(t), toWeights, factor >= 0);
    Num divisor = op.getNormalise() ? sum + code.number(1e-20) : code.number(1.0);
    code.loop(code.integer(0), code.integer(experts.columns), 1, [&](Num j) {
      (toWeights + j).store((toWeights + j).floats() / divisor * code.number(factor));
    });
  });
}

void emitDispatch(const KernelCode &kernel, kern::DispatchOp op, Num) {
  Code &code = kernel.code;
  Memory experts = kernel.memory(op.getExperts());
  Memory offsets = kernel.memory(op.getOffsetsDestination());
  Memory rows = kernel.memory(op.getRowsDestination());
  Memory slots = kernel.memory(op.getSlotsDestination());
  int64_t k = kernel.rows(op.getExperts()).columns;
  int64_t count = cast<RankedTensorType>(op.getOffsets().getType()).getDimSize(0) - 1;
  Memory scratch(code, kernel.scratch, code.i32());
  Memory next = scratch + plan::DispatchScratch(count).next;
  Num zero = code.integer(0), entries = kernel.rowCount(op.getExperts()) * k;
  auto increment = [&](Memory counter) { counter.store(counter.integer() + 1); };

  code.loop(zero, code.integer(count), 1, [&](Num e) { (next + e).store(zero); });
  code.loop(zero, entries, 1, [&](Num i) {
    Num expert = (experts + i).integer();
    kernel.checked(expert, code.integer(count), [&] { increment(next + expert); });
  });
  code.when(kernel.error->get() == 0, [&] {
    Var total = code.variable(zero);
    code.loop(zero, code.integer(count), 1, [&](Num e) {
      Num begin = total.get();
      total.set(begin + (next + e).integer());
      (offsets + e).store(begin);
      (next + e).store(begin);
    });
    (offsets + count).store(total.get());
    code.loop(zero, entries, 1, [&](Num i) {
      Memory place = next + (experts + i).integer();
      Num entry = place.integer();
      (slots + i).store(entry);
      (rows + entry).store(i / k);
      increment(place);
    });
  });
}

} // namespace dsv3::cpu
