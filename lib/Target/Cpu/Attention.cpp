//===- Attention.cpp - latent_attention and expanded_attention ------------===//
#include "AttentionParts.h"
#include "PanelProduct.h"

#include "dsv3/Plan/Scratch.h"

using namespace mlir;

namespace dsv3::cpu {

static int64_t lastDim(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().back();
}

//===----------------------------------------------------------------------===//
// latent_attention: a tile is a token, some of its heads, and a part of the keys
//===----------------------------------------------------------------------===//

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
  auto parts = static_cast<int64_t>(op.getParts().value_or(1));
  auto leastPages = static_cast<int64_t>(op.getPartPages());
  Num t = tile / (blocks * parts), part = tile / blocks % parts, firstHead = tile % blocks * heads;

  plan::LatentScratch places(heads, pageTokens, latent, cache.widenedPage());
  Memory scratch(code, kernel.scratch, code.f32());
  Memory scores = scratch + places.scores, values = scratch + places.values;
  auto row = [&](Num h) {
    return SoftmaxRow{scores + h * places.scoresOfHead,
                      scratch + places.largest + h,
                      scratch + places.sums + h,
                      values + h * places.valuesOfHead,
                      latent,
                      pageTokens};
  };
  auto forHeads = [&](llvm::function_ref<void(Num)> body) {
    code.loop(code.integer(0), code.integer(heads), 1, body);
  };
  int64_t mr = kernel.field("mr"), width = 2 * code.lanes();
  int64_t tiles = std::max<int64_t>(1, latent / width) * plan::ceilDiv(heads, mr);
  int64_t pageBytes =
      pageTokens * cache.width() * cache.pages.elementType().getIntOrFloatBitWidth() / 8;
  // The next page is read while this one's values are multiplied.
  int64_t nextBytes = plan::ceilDiv(pageBytes, tiles * pageTokens);
  auto onPage = [&](Num visible, Memory page, Memory after) {
    callScores(
        code, {query.row(t, firstHead), page, query.headStride, cache.width(), latent},
        {ropeQuery.row(t, firstHead), page + latent, ropeQuery.headStride, cache.width(), rope},
        scale, code.integer(heads), visible, scores, places.scoresOfHead);
    forHeads([&](Num h) { row(h).update(code, visible); });
    emitValueProduct(code,
                     {scores, places.scoresOfHead, page, cache.width(), latent, values,
                      places.valuesOfHead, /*goesOn=*/false, after, nextBytes},
                     mr, code.integer(heads), visible);
  };
  auto attend = [&](TokenPlace place) {
    Num pages = place.position / pageTokens + 1, ofPart = (pages + (parts - 1)) / parts;
    if (leastPages > 1) {
      ofPart = code.max(ofPart, code.integer(leastPages));
    }
    Num begin = part * ofPart, end = code.min(begin + ofPart, pages);
    // A thread mostly goes on with the same part for other heads, then with the next part.
    Num next = code.select(firstHead + heads < heads * blocks, begin, code.min(end, pages - 1));
    auto meetKeys = [&] {
      forHeads([&](Num h) { row(h).begin(code); });
      forPages(kernel, cache, place, begin, end, next, scratch + places.page,
               [&](const PageRead &read) {
                 Num visible = code.min(place.position + 1 - read.start, code.integer(pageTokens));
                 onPage(visible, read.page, read.after);
               });
    };
    auto outOf = [&](Num h) { return out.row(t, firstHead + h) + part * (latent + 2); };
    if (!op.getParts()) {
      meetKeys();
      forHeads([&](Num h) { row(h).finish(code, out.row(t, firstHead + h)); });
      return;
    }
    code.when(
        begin < end,
        [&] {
          meetKeys();
          forHeads([&](Num h) { row(h).leavePart(code, outOf(h)); });
        },
        [&] {
          // Most parts of a short text; clearing all of them would take longer than its keys.
          forHeads([&](Num h) { (outOf(h) + (latent + 1)).store(code.number(0.0)); });
        });
  };
  kernel.checkedToken(cache, kernel.memory(op.getPositions()), kernel.memory(op.getRequests()), t,
                      attend);
}

//===----------------------------------------------------------------------===//
// attention_combine: a tile is a token and some of its heads
//===----------------------------------------------------------------------===//

/// One head: its parts to its attention.
static void emitPartsOfHead(Code &code, Memory partials, int64_t parts, int64_t latent,
                            Memory out) {
  Num zero = code.number(0.0);
  auto forParts = [&](llvm::function_ref<void(Memory, Num, Num)> body) {
    code.loop(code.integer(0), code.integer(parts), 1, [&](Num p) {
      Memory part = partials + p * (latent + 2);
      Num sum = (part + (latent + 1)).floats();
      code.when(!(sum == zero), [&] { body(part, (part + latent).floats(), sum); });
    });
  };
  Var most = code.variable(code.number(-std::numeric_limits<double>::infinity()));
  forParts([&](Memory, Num largest, Num) { most.set(code.max(most.get(), largest)); });
  Var total = code.variable(zero);
  code.columns(latent, [&](Num i, int64_t width) { (out + i).store(code.zeros(width)); });
  forParts([&](Memory part, Num largest, Num sum) {
    Num weight = code.exp(largest - most.get());
    total.set(code.fma(weight, sum, total.get()));
    code.columns(latent, [&](Num i, int64_t width) {
      Num values = (part + i).floats(width), before = (out + i).floats(width);
      (out + i).store(code.fma(code.splat(weight, width), values, before));
    });
  });
  Num inverse = code.number(1.0) / total.get();
  code.columns(latent, [&](Num i, int64_t width) {
    (out + i).store((out + i).floats(width) * code.splat(inverse, width));
  });
}

void emitAttentionCombine(const KernelCode &kernel, kern::AttentionCombineOp op, Num tile) {
  Code &code = kernel.code;
  Rows partials = kernel.rows(op.getPartials()), out = kernel.rows(op.getDestination());
  int64_t heads = kernel.field("heads");
  int64_t blocks = cast<RankedTensorType>(op.getResult().getType()).getDimSize(1) / heads;
  Num t = tile / blocks, firstHead = tile % blocks * heads;
  code.loop(firstHead, firstHead + heads, 1, [&](Num head) {
    emitPartsOfHead(code, partials.row(t, head), static_cast<int64_t>(op.getParts()), out.columns,
                    out.row(t, head));
  });
}

//===----------------------------------------------------------------------===//
// expanded_attention: a tile is a head and all tokens of the step
//===----------------------------------------------------------------------===//

namespace {
class ExpandedAttention {
public:
  ExpandedAttention(const KernelCode &kernel, kern::ExpandedAttentionOp op, Num head);
  void emit();

private:
  SoftmaxRow row(Num token, Num inBlock) const;
  void request(Num request, Num last);
  void expandPage(Memory page, Num count);
  /// The tokens of a block, those of `request`, meet the expanded page that begins at `start`.
  void block(Num firstToken, Num request, Num start, Memory page);

  const KernelCode &kernel;
  kern::ExpandedAttentionOp op;
  Code &code;
  CachePages cache;
  Num head, tokens;
  int64_t latent, rope, nope, value, pageTokens, blockRows;
  Rows query, ropeQuery, out;
  Memory positions, requests;
  PanelWeight weight;
  ProductTile expansion;
  plan::ExpandedScratch places;
  Memory scratch, expanded, scores;
};
} // namespace

ExpandedAttention::ExpandedAttention(const KernelCode &kernel, kern::ExpandedAttentionOp op,
                                     Num head)
    : kernel(kernel), op(op), code(kernel.code), cache(kernel.cache(op.getCache())), head(head),
      tokens(kernel.rowCount(op.getResult())), latent(static_cast<int64_t>(cache.type.getLatent())),
      rope(static_cast<int64_t>(cache.type.getRope())), nope(lastDim(op.getQuery())),
      value(lastDim(op.getResult())), pageTokens(cache.pageTokens()),
      blockRows(kernel.field("rows")), query(kernel.rows(op.getQuery())),
      ropeQuery(kernel.rows(op.getRopeQuery())), out(kernel.rows(op.getDestination())),
      positions(kernel.memory(op.getPositions())), requests(kernel.memory(op.getRequests())),
      weight(PanelWeight::of(kernel, op.getWeight(), op.getScales(), op.getBlock(), 1,
                             kernel.field("nr"), head)),
      expansion{pageTokens,
                weight.panels,
                kernel.field("mr"),
                1,
                kernel.field("k_block"),
                kernel.field("stream"),
                kernel.field("stream_most")},
      places(pageTokens, plan::paddedRows(pageTokens, expansion.mr), nope, value, weight.form.width,
             expansion.kBlock, blockRows, cache.widenedPage()),
      scratch(code, kernel.scratch, code.f32()), expanded(scratch + places.expanded),
      scores(scratch + places.scores) {}

SoftmaxRow ExpandedAttention::row(Num token, Num inBlock) const {
  Memory ofToken = scratch + (token * places.ofToken + places.tokens);
  return {scores + inBlock * places.scoresOfRow, ofToken, ofToken + 1,
          ofToken + places.valuesOfToken,        value,   pageTokens};
}

void ExpandedAttention::expandPage(Memory page, Num count) {
  emitPanelProduct(
      code, weight, expansion, [&](Num j) { return page + j * cache.width(); }, count,
      code.integer(0), code.integer(weight.panels), expanded, scratch + places.product);
}

void ExpandedAttention::block(Num firstToken, Num request, Num start, Memory page) {
  Num rows = code.min(tokens - firstToken, code.integer(blockRows)), zero = code.integer(0);
  auto visibleOf = [&](Num token) {
    Num visible = code.min((positions + token).integer() + 1 - start, code.integer(pageTokens));
    Num here = (requests + token).integer() == request;
    return code.select(here, code.max(visible, zero), zero);
  };
  auto forRows = [&](llvm::function_ref<void(Num, Num)> body) {
    code.loop(zero, rows, 1, [&](Num i) { body(firstToken + i, i); });
  };
  // As many keys as any of the rows sees, and as many as all of them see.
  Var most = code.variable(zero), least = code.variable(code.integer(pageTokens));
  forRows([&](Num token, Num) {
    most.set(code.max(most.get(), visibleOf(token)));
    least.set(code.min(least.get(), visibleOf(token)));
  });
  Num count = most.get(), shared = least.get();
  code.when(zero < count, [&] {
    callScores(
        code, {query.row(firstToken, head), expanded, query.rowStride, places.expandedRow, nope},
        {ropeQuery.row(firstToken, head), page + latent, ropeQuery.rowStride, cache.width(), rope},
        op.getScale().convertToDouble(), rows, count, scores, places.scoresOfRow);
    forRows([&](Num token, Num i) {
      Num visible = visibleOf(token);
      code.when(zero < visible, [&] { row(token, i).update(code, visible); });
    });
    auto addValues = [&](Num firstRow, Num rowCount, Num firstKey, Num keys) {
      SoftmaxRow first = row(firstToken + firstRow, firstRow);
      emitValueProduct(code,
                       {first.scores + firstKey,
                        places.scoresOfRow,
                        expanded + (firstKey * places.expandedRow + nope),
                        places.expandedRow,
                        value,
                        first.values,
                        places.ofToken,
                        /*goesOn=*/true,
                        {},
                        0},
                       expansion.mr, rowCount, keys);
    };
    addValues(zero, rows, zero, shared);
    // The others row by row: what a token does not see is not multiplied by 0 either, since it
    // may be no number.
    forRows([&](Num token, Num i) {
      Num visible = visibleOf(token);
      code.when(shared < visible, [&] { addValues(i, code.integer(1), shared, visible - shared); });
    });
  });
}

/// Walks the pages of a request up to its last position in the step.
void ExpandedAttention::request(Num request, Num last) {
  Num zero = code.integer(0), lastPage = last / pageTokens;
  forPages(kernel, cache, {last, request}, zero, lastPage + 1, lastPage, scratch + places.page,
           [&](const PageRead &read) {
             expandPage(read.page, code.min(last + 1 - read.start, code.integer(pageTokens)));
             code.loop(zero, tokens, blockRows,
                       [&](Num firstToken) { block(firstToken, request, read.start, read.page); });
           });
}

void ExpandedAttention::emit() {
  Num zero = code.integer(0);
  code.loop(zero, tokens, 1, [&](Num t) {
    kernel.checkedToken(cache, positions, requests, t,
                        [&](TokenPlace) { row(t, zero).begin(code); });
  });
  Num requestCount = code.integer(static_cast<int64_t>(cache.type.getMaxRequests()));
  code.when(kernel.error->get() == 0, [&] {
    code.loop(zero, requestCount, 1, [&](Num r) {
      Var last = code.variable(code.integer(-1));
      code.loop(zero, tokens, 1, [&](Num t) {
        code.when((requests + t).integer() == r,
                  [&] { last.set(code.max(last.get(), (positions + t).integer())); });
      });
      code.when(!(last.get() < 0), [&] { request(r, last.get()); });
    });
    code.loop(zero, tokens, 1, [&](Num t) { row(t, zero).finish(code, out.row(t, head)); });
  });
}

void emitExpandedAttention(const KernelCode &kernel, kern::ExpandedAttentionOp op, Num tile) {
  ExpandedAttention(kernel, op, tile).emit();
}

} // namespace dsv3::cpu
