//===- Argmax.cpp - kern.argmax -------------------------------------------===//
//
// The largest of a row is found in blocks of whole vectors, which know of numbers alone;
// where it stands is looked up afterwards, in the first block that has it. What is left
// behind the last block is looked at one by one.
//
//===----------------------------------------------------------------------===//
#include "KernelCode.h"

#include <limits>

using namespace mlir;

namespace dsv3::cpu {

/// Vectors of a block, and how many of them are the largest so far side by side.
static constexpr int64_t blockVectors = 32, chains = 4;

/// The largest of the vectors of a block; NaN is never one.
static Num largestOfBlock(Code &code, Memory block, Num infinity) {
  Num lowest = code.splat(code.negate(infinity), code.lanes());
  SmallVector<Num> largest(chains, lowest);
  for (int64_t i = 0; i < blockVectors; ++i) {
    Num vector = (block + i * code.lanes()).floats(code.lanes());
    largest[i % chains] = code.max(largest[i % chains], vector);
  }
  return code.largestOf(
      code.max(code.max(largest[0], largest[1]), code.max(largest[2], largest[3])));
}

void emitArgmax(const KernelCode &kernel, kern::ArgmaxOp op, Num tile) {
  Code &code = kernel.code;
  Rows x = kernel.rows(op.getX());
  Memory limits = kernel.memory(op.getLimits()), out = kernel.memory(op.getDestination());
  int64_t block = blockVectors * code.lanes();
  Num zero = code.integer(0), infinity = code.number(std::numeric_limits<double>::infinity());
  kernel.forRows(op.getResult(), tile, [&](Num o) {
    Memory row = x.row(o);
    Num limit = code.max(code.min((limits + o).integer(), code.integer(x.columns)), zero);
    Num whole = limit / block * block;
    Var most = code.variable(code.negate(infinity)), begin = code.variable(zero);
    auto offer = [&](Num value, Num column) {
      code.when(value > most.get(), [&] {
        most.set(value);
        begin.set(column);
      });
    };
    code.loop(zero, whole, block,
              [&](Num i) { offer(largestOfBlock(code, row + i, infinity), i); });
    code.loop(whole, limit, 1, [&](Num i) { offer((row + i).floats(), i); });
    // From the end of the block on: the last one found is the lowest.
    Num first = begin.get(), last = code.min(first + block, limit) - 1;
    Var index = code.variable(code.integer(-1));
    code.loop(first, last + 1, 1, [&](Num i) {
      Num column = first + (last - i);
      code.when((row + column).floats() == most.get(), [&] { index.set(column); });
    });
    (out + o).store(code.select(code.abs(most.get()) < infinity, index.get(), code.integer(-1)));
  });
}

} // namespace dsv3::cpu
