//===- AttentionParts.cpp - what both forms of attention do ---------------===//
#include "AttentionParts.h"

#include "MicroKernels.h"

using namespace mlir;

namespace dsv3::cpu {

static double negativeInfinity() { return -std::numeric_limits<double>::infinity(); }

/// Sums of `rows` queries from `firstRow` on with the keys from `firstKey` on, rows first.
static SmallVector<Num> scoreSums(Code &code, ArrayRef<ScorePiece> pieces, int64_t rows,
                                  Num firstRow, Num firstKey) {
  SmallVector<Var> sums;
  for (int64_t i = 0; i < rows * keysAtOnce; ++i) {
    sums.push_back(code.variable(code.zeros(code.lanes())));
  }
  for (const ScorePiece &piece : pieces) {
    Memory query = piece.query + firstRow * piece.queryStride;
    Memory key = piece.key + firstKey * piece.keyStride;
    code.columns(piece.size, [&](Num k, int64_t width) {
      SmallVector<Num> keys;
      for (int64_t j = 0; j < keysAtOnce; ++j) {
        keys.push_back(code.widened((key + k + j * piece.keyStride).floats(width)));
      }
      for (int64_t i = 0; i < rows; ++i) {
        Num x = code.widened((query + k + i * piece.queryStride).floats(width));
        for (int64_t j = 0; j < keysAtOnce; ++j) {
          Var &sum = sums[static_cast<size_t>(i * keysAtOnce + j)];
          sum.set(code.fma(x, keys[static_cast<size_t>(j)], sum.get()));
        }
      }
    });
  }
  SmallVector<Num> values;
  for (Var &sum : sums) {
    values.push_back(sum.get());
  }
  return values;
}

/// The body of the function of scores. Those of a row are made in one way however many rows there
/// are, so that they do not depend on the rows beside it.
static void emitScores(Code &code, ArrayRef<ScorePiece> pieces, double scale, Num rows, Num count,
                       Memory out, int64_t outStride) {
  // So many rows that their sums with the keys at once are as many as a vector has lanes.
  int64_t together = code.lanes() / keysAtOnce;
  Num whole = rows / together * together, zero = code.integer(0);
  auto scores = [&](Num i, int64_t height, Num j) {
    SmallVector<Num> sums = scoreSums(code, pieces, height, i, j);
    for (int64_t row = 0; row < height; ++row) {
      auto first = static_cast<size_t>(row * keysAtOnce);
      Num ofRow = code.sumsOf(ArrayRef(sums).slice(first, size_t(keysAtOnce)));
      (out + (i + row) * outStride + j).store(ofRow * code.splat(code.number(scale), keysAtOnce));
    }
  };
  // Keys outside: those at once stay in the first-level cache for all rows.
  code.loop(zero, count, keysAtOnce, [&](Num j) {
    code.loop(zero, whole, together, [&](Num i) { scores(i, together, j); });
    code.loop(whole, rows, 1, [&](Num i) { scores(i, 1, j); });
  });
}

void callScores(Code &code, const ScorePiece &first, const ScorePiece &second, double scale,
                Num rows, Num count, Memory out, int64_t outStride) {
  std::string name = "scores";
  SmallVector<Memory> memories{out};
  for (const ScorePiece &piece : {first, second}) {
    for (int64_t number : {piece.size, piece.queryStride, piece.keyStride}) {
      name += "." + std::to_string(number);
    }
    memories.append({piece.query, piece.key});
  }
  name += "." + std::to_string(outStride) + "." + std::to_string(llvm::bit_cast<uint64_t>(scale));
  callShared(code, name, memories, {rows, count},
             [&](Code &inner, ArrayRef<Memory> of, ArrayRef<Num> n) {
               ScorePiece a = first, b = second;
               a.query = of[1], a.key = of[2], b.query = of[3], b.key = of[4];
               emitScores(inner, {a, b}, scale, n[0], n[1], of[0], outStride);
             });
}

void SoftmaxRow::begin(Code &code) const {
  largest.store(code.number(negativeInfinity()));
  sum.store(code.number(0.0));
  code.columns(size, [&](Num i, int64_t width) { (values + i).store(code.zeros(width)); });
}

void SoftmaxRow::update(Code &code, Num visible) const {
  Num hidden = code.number(negativeInfinity());
  code.loop(visible, code.integer(pageTokens), 1, [&](Num j) { (scores + j).store(hidden); });
  int64_t whole = pageTokens / code.lanes() * code.lanes();
  Var most = code.variable(largest.floats());
  Var lanesMost = code.variable(code.splat(hidden, code.lanes()));
  code.columns(pageTokens, [&](Num j, int64_t width) {
    Num some = (scores + j).floats(width);
    if (width == code.lanes()) {
      lanesMost.set(code.max(lanesMost.get(), some));
    } else {
      most.set(code.max(most.get(), code.largestOf(some)));
    }
  });
  if (whole > 0) {
    most.set(code.max(most.get(), code.largestOf(lanesMost.get())));
  }
  Num before = code.exp(largest.floats() - most.get());
  largest.store(most.get());
  Var rest = code.variable(sum.floats() * before);
  Var lanesSum = code.variable(code.zeros(code.lanes()));
  code.columns(pageTokens, [&](Num j, int64_t width) {
    Num weight = code.exp((scores + j).floats(width) - code.splat(most.get(), width));
    (scores + j).store(weight);
    if (width == code.lanes()) {
      lanesSum.set(lanesSum.get() + weight);
    } else {
      rest.set(rest.get() + code.sumOf(weight));
    }
  });
  sum.store(rest.get() + code.sumOf(lanesSum.get()));
  code.when(!(before == code.number(1.0)), [&] {
    code.columns(size, [&](Num i, int64_t width) {
      (values + i).store((values + i).floats(width) * code.splat(before, width));
    });
  });
}

void SoftmaxRow::finish(Code &code, Memory out) const {
  Num inverse = code.number(1.0) / sum.floats();
  code.columns(size, [&](Num i, int64_t width) {
    (out + i).store((values + i).floats(width) * code.splat(inverse, width));
  });
}

void SoftmaxRow::leavePart(Code &code, Memory out) const {
  code.columns(size, [&](Num i, int64_t width) { (out + i).store((values + i).floats(width)); });
  (out + size).store(largest.floats());
  (out + (size + 1)).store(sum.floats());
}

void emitValueProduct(Code &code, const ValueProduct &product, int64_t mr, Num rows, Num count) {
  int64_t width = 2 * code.lanes(), whole = product.columns / width * width;
  Num rowTiles = (rows + (mr - 1)) / mr;
  auto block = [&](Num column, int64_t columns) {
    forTiles(code, mr, rows, [&](Num i, int64_t height) {
      Num tile = column / width * rowTiles + i / mr;
      TileCall call{product.weights + i * product.weightStride,
                    product.weightStride,
                    product.page + column,
                    product.pageStride,
                    count,
                    product.out + (i * product.outStride + column),
                    code.integer(product.outStride),
                    {},
                    product.goesOn,
                    {},
                    {product.nextBytes}};
      if (product.next) {
        call.next = product.next->as(code.i8()) + tile * count * product.nextBytes;
      }
      callTile(code, height, columns, call);
    });
  };
  code.loop(code.integer(0), code.integer(whole), width, [&](Num c) { block(c, width); });
  if (whole < product.columns) {
    block(code.integer(whole), product.columns - whole);
  }
}

void forPages(const KernelCode &kernel, const CachePages &cache, TokenPlace place, Num begin,
              Num end, Num next, Memory widened, llvm::function_ref<void(const PageRead &)> body) {
  Code &code = kernel.code;
  code.loop(begin, end, 1, [&](Num p) {
    Num start = p * cache.pageTokens();
    kernel.checkedPage(cache, place.request, p, [&](Memory page) {
      Memory after = cache.page(place.request, code.select(p + 1 < end, p + 1, next));
      if (page.elementType().isF32()) {
        return body({start, page, after});
      }
      Num tokens = code.min(place.position + 1 - start, code.integer(cache.pageTokens()));
      Num read = (tokens + (keysAtOnce - 1)) / keysAtOnce * keysAtOnce;
      callWiden(code, page, widened, read * cache.width());
      body({start, widened, after});
    });
  });
}

} // namespace dsv3::cpu
