//===- AttentionParts.h - what both forms of attention do -------*- C++ -*-===//
//
// Rows are the queries that share keys: the heads of a token over the latents, or the
// tokens of a step over the expanded keys of a head. A block of rows meets a page of keys:
// scores, then the softmax of each row goes on, then the page's values are added.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "KernelCode.h"

namespace dsv3::cpu {

/// Keys that a row meets at a time. Pages hold a multiple of them.
inline constexpr int64_t keysAtOnce = 4;

/// One of the two pieces that queries and keys have: without and with rotation.
struct ScorePiece {
  Memory query, key;
  int64_t queryStride = 0, keyStride = 0; ///< elements from one to the next
  int64_t size = 0;
};

/// Calls scores: `out[i, j] = scale * (sum over both pieces of query i times key j)` for rows
/// i < rows and keys j < count. `count` is rounded up to four: so many keys must be readable,
/// and so many scores are written.
void callScores(Code &code, const ScorePiece &first, const ScorePiece &second, double scale,
                Num rows, Num count, Memory out, int64_t outStride);

/// The softmax of one row while pages come: pages are merged as they are read (Milakov and
/// Gimelshein, 2018, Online normalizer calculation for softmax).
struct SoftmaxRow {
  Memory scores;  ///< of a page, [pageTokens]
  Memory largest; ///< one f32: the largest score so far
  Memory sum;     ///< one f32: of the exponentials
  Memory values;  ///< [size], their weighted sum
  int64_t size = 0;
  int64_t pageTokens = 0;

  void begin(Code &code) const;
  /// Turns the scores of the first `visible` > 0 tokens of a page into weights, those of the
  /// others into 0, and scales what was summed before to the same largest score.
  void update(Code &code, Num visible) const;
  void finish(Code &code, Memory out) const;
  /// Leaves values, largest score and sum of a part of the keys.
  void leavePart(Code &code, Memory out) const;
};

/// Adds weights times a page's values to rows: `out[i, c] += sum over j of weights[i, j] *
/// page[j, c]` for i < rows, j < count, c < columns.
struct ValueProduct {
  Memory weights;
  int64_t weightStride = 0;
  Memory page;
  int64_t pageStride = 0, columns = 0;
  Memory out;
  int64_t outStride = 0;
  bool goesOn = false;        ///< one chain of additions, however the keys are split
  std::optional<Memory> next; ///< what is read afterwards; asked for meanwhile
  int64_t nextBytes = 0;      ///< of it for each k of each tile, one after the other
};
void emitValueProduct(Code &code, const ValueProduct &product, int64_t mr, Num rows, Num count);

/// A page of a request as forPages finds it.
struct PageRead {
  Num start;    ///< its first position
  Memory page;  ///< f32
  Memory after; ///< the page that is read next, as it is stored; it is only asked for
};

/// Runs `body` for the pages [begin, end) of a request, none behind that of `place`'s position, as
/// is `next`, which is read after them. A page of narrower elements is written to `widened` first,
/// as far as keys at once up to the position read it.
void forPages(const KernelCode &kernel, const CachePages &cache, TokenPlace place, Num begin,
              Num end, Num next, Memory widened, llvm::function_ref<void(const PageRead &)> body);

} // namespace dsv3::cpu
