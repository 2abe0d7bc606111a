//===- Attention.cpp - latent_attention and expanded_attention ------------===//
//
// Both walk the pages of a request and keep, for each query, the largest score so
// far, the sum of the exponentials and the weighted sum of values: pages are merged
// as they come (Milakov and Gimelshein, 2018, Online normalizer calculation for
// softmax).
//
//===----------------------------------------------------------------------===//
#include "PanelProduct.h"

#include "dsv3/Plan/Scratch.h"

using namespace mlir;

namespace dsv3::cpu {
namespace {

/// What is known of one query while its pages are walked.
struct Running {
  Memory scores;  ///< of the tokens of a page; those that are not seen are -infinity
  Memory largest; ///< one f32
  Memory sum;     ///< one f32
  Memory values;  ///< [size]
  int64_t size = 0;
  int64_t pageTokens = 0;

  void begin(Code &code) const;
  /// Takes the page's scores in. value(j) is the row of token j.
  void merge(Code &code, Num visible, llvm::function_ref<Memory(Num)> value) const;
  void finish(Code &code, Memory out) const;
};

} // namespace

static double negativeInfinity() { return -std::numeric_limits<double>::infinity(); }

void Running::begin(Code &code) const {
  largest.store(code.number(negativeInfinity()));
  sum.store(code.number(0.0));
  code.columns(size, [&](Num i, int64_t width) { (values + i).store(code.zeros(width)); });
}

void Running::merge(Code &code, Num visible, llvm::function_ref<Memory(Num)> value) const {
  Var most = code.variable(largest.floats());
  code.columns(pageTokens, [&](Num j, int64_t width) {
    most.set(code.max(most.get(), code.largestOf((scores + j).floats(width))));
  });
  Num before = code.exp(largest.floats() - most.get());
  largest.store(most.get());
  Var total = code.variable(sum.floats() * before);
  code.columns(pageTokens, [&](Num j, int64_t width) {
    Num weight = code.exp((scores + j).floats(width) - code.splat(most.get(), width));
    (scores + j).store(weight);
    total.set(total.get() + code.sumOf(weight));
  });
  sum.store(total.get());
  code.columns(size, [&](Num i, int64_t width) {
    Var mixed = code.variable((values + i).floats(width) * code.splat(before, width));
    code.loop(code.integer(0), visible, 1, [&](Num j) {
      Num weight = code.splat((scores + j).floats(), width);
      mixed.set(code.fma(weight, (value(j) + i).floats(width), mixed.get()));
    });
    (values + i).store(mixed.get());
  });
}

void Running::finish(Code &code, Memory out) const {
  Num inverse = code.number(1.0) / sum.floats();
  code.columns(size, [&](Num i, int64_t width) {
    (out + i).store((values + i).floats(width) * code.splat(inverse, width));
  });
}

/// Adds the products of x and y to a sum in lanes and one of the rest.
static void addDot(Code &code, Memory x, Memory y, int64_t n, Var lanes, Var rest) {
  code.columns(n, [&](Num i, int64_t width) {
    Num a = (x + i).floats(width), b = (y + i).floats(width);
    if (width == code.lanes()) {
      lanes.set(code.fma(a, b, lanes.get()));
    } else {
      rest.set(rest.get() + code.sumOf(a * b));
    }
  });
}

/// scale × (x · y + x2 · y2)
static Num score(Code &code, Memory x, Memory y, int64_t n, Memory x2, Memory y2, int64_t n2,
                 double scale) {
  Var lanes = code.variable(code.zeros(code.lanes())), rest = code.variable(code.number(0.0));
  addDot(code, x, y, n, lanes, rest);
  addDot(code, x2, y2, n2, lanes, rest);
  return (rest.get() + code.sumOf(lanes.get())) * code.number(scale);
}

/// Runs `body` for each page of a request up to the one of `position`, with the page's
/// first position and its memory.
static void forPages(const KernelCode &kernel, const CachePages &cache, TokenPlace place,
                     llvm::function_ref<void(Num, Memory)> body) {
  Code &code = kernel.code;
  code.loop(code.integer(0), place.position / cache.pageTokens() + 1, 1, [&](Num p) {
    kernel.checkedPage(cache, place.request, p,
                       [&](Memory page) { body(p * cache.pageTokens(), page); });
  });
}

static int64_t lastDim(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().back();
}

void emitLatentAttention(const KernelCode &kernel, kern::LatentAttentionOp op, Num tile) {
  Code &code = kernel.code;
  CachePages cache = kernel.cache(op.getCache());
  auto latent = static_cast<int64_t>(cache.type.getLatent());
  auto rope = static_cast<int64_t>(cache.type.getRope());
  Rows query = kernel.rows(op.getQuery()), ropeQuery = kernel.rows(op.getRopeQuery());
  Rows out = kernel.rows(op.getDestination());
  double scale = op.getScale().convertToDouble();
  int64_t heads = kernel.field("heads"), pageTokens = cache.pageTokens();
  int64_t blocks = cast<RankedTensorType>(op.getResult().getType()).getDimSize(1) / heads;
  Num t = tile / blocks, firstHead = tile % blocks * heads, zero = code.integer(0);

  plan::LatentScratch places(heads, pageTokens, latent);
  Memory scratch(code, kernel.scratch, code.f32());
  Memory scores = scratch + places.scores, values = scratch + places.values;
  Memory largest = scratch + places.largest, sums = scratch + places.sums;
  auto running = [&](Num h) {
    return Running{scores + h * places.scoresOfHead, largest + h, sums + h,
                   values + h * places.valuesOfHead, latent,      pageTokens};
  };
  auto forHeads = [&](llvm::function_ref<void(Num)> body) {
    code.loop(zero, code.integer(heads), 1, body);
  };
  kernel.checkedToken(
      cache, kernel.memory(op.getPositions()), kernel.memory(op.getRequests()), t,
      [&](TokenPlace place) {
        forHeads([&](Num h) { running(h).begin(code); });
        forPages(kernel, cache, place, [&](Num start, Memory page) {
          Num visible = code.min(place.position + 1 - start, code.integer(pageTokens));
          auto row = [&](Num j) { return page + j * cache.width(); };
          forHeads([&](Num h) {
            code.columns(pageTokens, [&](Num j, int64_t width) {
              (running(h).scores + j).store(code.splat(code.number(negativeInfinity()), width));
            });
          });
          // Each latent is read once for all heads of the tile.
          code.loop(zero, visible, 1, [&](Num j) {
            forHeads([&](Num h) {
              Num head = firstHead + h;
              (running(h).scores + j)
                  .store(score(code, query.row(t, head), row(j), latent, ropeQuery.row(t, head),
                               row(j) + latent, rope, scale));
            });
          });
          forHeads([&](Num h) { running(h).merge(code, visible, row); });
        });
        forHeads([&](Num h) { running(h).finish(code, out.row(t, firstHead + h)); });
      });
}

void emitExpandedAttention(const KernelCode &kernel, kern::ExpandedAttentionOp op, Num tile) {
  Code &code = kernel.code;
  CachePages cache = kernel.cache(op.getCache());
  auto latent = static_cast<int64_t>(cache.type.getLatent());
  auto rope = static_cast<int64_t>(cache.type.getRope());
  Rows query = kernel.rows(op.getQuery()), ropeQuery = kernel.rows(op.getRopeQuery());
  Rows out = kernel.rows(op.getDestination());
  Memory positions = kernel.memory(op.getPositions()), requests = kernel.memory(op.getRequests());
  double scale = op.getScale().convertToDouble();
  int64_t nope = lastDim(op.getQuery()), value = lastDim(op.getResult());
  int64_t pageTokens = cache.pageTokens();
  Num head = tile, zero = code.integer(0), tokens = kernel.rowCount(op.getResult());

  int64_t width = kernel.field("nr");
  PanelWeight weight =
      PanelWeight::of(kernel, op.getWeight(), op.getScales(), op.getBlock(), 1, width, head);
  plan::ExpandedScratch places(pageTokens, nope, value, width);
  Memory scratch(code, kernel.scratch, code.f32());
  Memory expanded = scratch + places.expanded, scores = scratch + places.scores;
  auto running = [&](Num t) {
    Memory ofToken = scratch + t * places.ofToken;
    return Running{
        scores,    ofToken + places.largest, ofToken + places.sums, ofToken + places.values, value,
        pageTokens};
  };

  // The last position of each request decides how far its pages are walked.
  auto forRequest = [&](Num request, Num last) {
    forPages(kernel, cache, {last, request}, [&](Num start, Memory page) {
      Num count = code.min(last + 1 - start, code.integer(pageTokens));
      int64_t kBlock = weight.scaleColumns > 0 ? weight.scaleColumns : weight.k;
      emitPanelProduct(
          code, weight, {kernel.field("mr"), 1, kBlock},
          [&](Num j) { return page + j * cache.width(); }, count, zero, code.integer(weight.panels),
          weight.panels, expanded);
      code.loop(zero, tokens, 1, [&](Num t) {
        Num position = (positions + t).integer();
        Num sees = (requests + t).integer() == request && !(position < start);
        code.when(sees, [&] {
          Num visible = code.min(position + 1 - start, code.integer(pageTokens));
          code.columns(pageTokens, [&](Num j, int64_t lanes) {
            (scores + j).store(code.splat(code.number(negativeInfinity()), lanes));
          });
          code.loop(zero, visible, 1, [&](Num j) {
            (scores + j)
                .store(score(code, query.row(t, head), expanded + j * places.expandedRow, nope,
                             ropeQuery.row(t, head), page + (j * cache.width() + latent), rope,
                             scale));
          });
          running(t).merge(code, visible,
                           [&](Num j) { return expanded + (j * places.expandedRow + nope); });
        });
      });
    });
  };

  code.loop(zero, tokens, 1, [&](Num t) {
    kernel.checkedToken(cache, positions, requests, t, [&](TokenPlace) { running(t).begin(code); });
  });
  code.when(kernel.error->get() == 0, [&] {
    code.loop(zero, code.integer(static_cast<int64_t>(cache.type.getMaxRequests())), 1,
              [&](Num request) {
                Var last = code.variable(code.integer(-1));
                code.loop(zero, tokens, 1, [&](Num t) {
                  code.when((requests + t).integer() == request,
                            [&] { last.set(code.max(last.get(), (positions + t).integer())); });
                });
                code.when(!(last.get() < 0), [&] { forRequest(request, last.get()); });
              });
    code.loop(zero, tokens, 1, [&](Num t) { running(t).finish(code, out.row(t, head)); });
  });
}

} // namespace dsv3::cpu
