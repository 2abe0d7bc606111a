//===- sample.cuh - kern.sample: a row a block ------------------*- C++ -*-===//
//
// Nothing is sorted. A cut (top-k, top-p) is found by the digits of logits: the block adds up what
// tokens have in the bins of a digit, looks up the bin in which the sum is reached, and goes on
// with the next digit of that bin's tokens. All sums are of whole numbers, so that their order does
// not matter; the definition is that of dsv3/Support/Sampling.h, to the last bit.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/math.cuh"
#include "runtime/kernels/cuda/tile/failure.cuh"
#include "runtime/kernels/cuda/tile/prefix.cuh"
#include "runtime/kernels/cuda/tile/reduce.cuh"
#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

/// dsv3/Support/Sampling.h: SamplingRow, weightBits.
struct SamplingRow {
  int limit;
  float scale;
  int topK;
  uint32 cut, least, drawHigh, drawLow;

  static constexpr int words = 7;
  __device__ static SamplingRow at(const int32 *from) {
    return {from[0],         fromBits(uint32(from[1])), from[2],        uint32(from[3]),
            uint32(from[4]), uint32(from[5]),           uint32(from[6])};
  }
};
inline constexpr int weightBits = 40;

inline constexpr int digitBits = 11, digitBins = 1 << digitBits;
/// Bytes of shared memory: the bins, and for each warp a number of blockPrefix, which lie where
/// blockBest has its numbers too, and a result, of which there is one.
inline constexpr int sampleSharedBytes = (digitBins + 2 * blockPrefixNumbers) * int(sizeof(uint64));
static_assert(blockBestBytes <= blockPrefixNumbers * int(sizeof(uint64)), "lies where these do");

/// floor((sum factor + add) / 2^32), for sums and what is added below 2^61.
__device__ inline uint64 scaled(uint64 sum, uint32 factor, uint64 add) {
  uint64 low = uint64(uint32(sum)) * factor;
  return (sum >> 32) * factor + (low >> 32) + ((uint32(low) + add) >> 32);
}

/// The logits of a row below the limit, and those of them that are kept.
template <int threads, int width>
struct Sampling {
  static constexpr int binsOfThread = digitBins / threads;
  static_assert(digitBins % threads == 0, "a thread has some bins");

  const float *values;
  int limit;
  float scale;
  uint64 *bins, *sums, *answer; ///< shared: [digitBins], [blockPrefixNumbers], [2]
  float largest = 0.0f;
  /// Kept are keys above, and of equal ones the ids up to lastTie.
  int border = int(0x80000000u), lastTie = noIndex;

  __device__ Sampling(SharedArrays shared, const float *values, int limit, float scale)
      : values(values), limit(limit), scale(scale), bins(shared.take<uint64>(digitBins)),
        sums(shared.take<uint64>(blockPrefixNumbers)),
        answer(shared.take<uint64>(blockPrefixNumbers)) {}

  /// The largest logit, or the largest finite one; the lowest of equals.
  template <bool finite>
  __device__ Found best() const {
    Found own{-infinity(), noIndex};
#pragma unroll 4 // loads that do not wait for each other
    for (int i = threadIndex() * width; i < limit; i += threads * width) {
      Vector<float, width> some = loadVector<width>(values + i);
      for (int j = 0; j < width; ++j) {
        bool more = some.values[j] > own.value && i + j < limit;
        more = more && (!finite || some.values[j] < infinity());
        own = more ? Found{some.values[j], i + j} : own;
      }
    }
    return blockBest<threads>(own, reinterpret_cast<Found *>(sums));
  }

  /// Ordered as logits are; zeros are equal.
  __device__ static int keyOf(float logit) {
    int bits = int(toBits(logit));
    return bits < 0 ? int(0x80000000u) - bits : bits;
  }
  __device__ static float logitOf(int key) {
    return fromBits(uint32(key < 0 ? int(0x80000000u) - key : key));
  }
  __device__ bool isKept(float logit, int id) const {
    int key = keyOf(logit);
    return key > border || (key == border && id <= lastTie);
  }

  /// samplingWeight of dsv3/Support/Sampling.h; 0 of what is not finite.
  __device__ uint64 weight(float logit) const {
    float d = sum(logit, -largest), x = product(d, scale);
    if (!(x >= float(-weightBits)) || logit > largest) {
      return 0;
    }
    float n = roundedDown(x), f = multiplyAdd(d, scale, -n);
    float p = 0x1.c5417cp-13f;
    p = multiplyAdd(p, f, 0x1.46d64ap-10f);
    p = multiplyAdd(p, f, 0x1.3d0b92p-7f);
    p = multiplyAdd(p, f, 0x1.c68912p-5f);
    p = multiplyAdd(p, f, 0x1.ebfd58p-3f);
    p = multiplyAdd(p, f, 0x1.62e42cp-1f);
    p = multiplyAdd(p, f, 1.0f);
    constexpr int exponentOfOne = 127, mantissaBits = 23;
    float power = fromBits(uint32(int(n) + weightBits + exponentOfOne) << mantissaBits);
    return uint64(product(p, power));
  }

  /// The first digit is the distance to the largest logit, in 32nds of a power of two: tokens that
  /// have a weight spread over many bins, where bits of their logits would not.
  __device__ int distanceOf(float logit) const {
    constexpr float binsOfPower = 32.0f;
    static_assert(weightBits * int(binsOfPower) < digitBins, "all weights have a bin");
    return int(product(product(sum(logit, -largest), scale), -binsOfPower));
  }
  /// Three more digits, of 11, 11 and 10 bits, tell all logits apart; the largest has the lowest.
  __device__ static uint32 digitsOf(float logit) { return ~(uint32(keyOf(logit)) ^ 0x80000000u); }
  static constexpr int levels = 4;
  /// Bits behind a digit.
  __device__ static constexpr int behind(int level) {
    return level < levels - 1 ? 32 - level * digitBits : 0;
  }

  /// The bin of a token that has the digits before `level` of the border; -1 for others.
  __device__ int binOf(float logit, int level, int distance, uint32 digits) const {
    int own = distanceOf(logit);
    if (level == 0 || own != distance) {
      return level == 0 ? own : -1;
    }
    uint32 all = digitsOf(logit);
    if (level > 1 && (all ^ digits) >> behind(level - 1) != 0) {
      return -1;
    }
    uint32 ofDigit = level > 1 ? (1u << (behind(level - 1) - behind(level))) - 1 : digitBins - 1;
    return int(all >> behind(level) & ofDigit);
  }

  /// Calls body(logit, id) for `width` ids from each multiple of `step` behind `begin` on, as far
  /// as they are below `end`. The loads of several are one, the code is there once.
  template <typename Body>
  __device__ void forEach(int begin, int end, int step, const Body &body) const {
#pragma unroll 1
    for (int i = begin; i < end; i += step) {
      Vector<float, width> some = loadVector<width>(values + i);
#pragma unroll 1
      for (int j = 0; j < width; ++j) {
        if (i + j < end) {
          body(some.values[0], i + j);
        }
        for (int k = 1; k < width; ++k) {
          some.values[k - 1] = some.values[k];
        }
      }
    }
  }

  /// What the kept tokens have in the bins of a digit.
  __device__ void fillBins(bool counts, int level, int distance, uint32 digits) {
    for (int b = threadIndex(); b < digitBins; b += threads) {
      bins[b] = 0;
    }
    syncBlock();
    forEach(threadIndex() * width, limit, threads * width, [&](float logit, int id) {
      uint64 own = isKept(logit, id) ? weight(logit) : 0;
      int bin = own > 0 ? binOf(logit, level, distance, digits) : -1;
      if (bin >= 0) {
        atomicSum(bins + bin, counts ? 1 : own);
      }
    });
    syncBlock();
  }

  /// The first bin up to which there is a sum of `wanted`, and the sum before it. -1 if there is
  /// less in all.
  struct Reached {
    int bin;
    uint64 before;
  };
  __device__ Reached reach(uint64 wanted) {
    uint64 *own = bins + threadIndex() * binsOfThread, sumOfOwn = 0;
    for (int b = 0; b < binsOfThread; ++b) {
      sumOfOwn += own[b];
    }
    Prefix prefix = blockPrefix<threads>(sumOfOwn, sums);
    if (prefix.total < wanted) {
      return {-1, 0};
    }
    if (prefix.before < wanted && prefix.before + sumOfOwn >= wanted) {
      int bin = 0;
      uint64 before = prefix.before;
      for (; before + own[bin] < wanted; ++bin) {
        before += own[bin];
      }
      answer[0] = uint64(threadIndex() * binsOfThread + bin);
      answer[1] = before;
    }
    syncBlock();
    Reached found{int(answer[0]), answer[1]};
    syncBlock(); // before `answer` is written again
    return found;
  }

  /// Keeps the fewest tokens, the most likely first, that have a sum of `wanted`: of their number,
  /// or of their weights. All, if they have less.
  __device__ void keep(bool counts, uint64 wanted) {
    int distance = 0;
    uint32 digits = 0;
#pragma unroll 1
    for (int level = 0; level < levels; ++level) {
      fillBins(counts, level, distance, digits);
      Reached found = reach(wanted);
      if (found.bin < 0) {
        return;
      }
      distance = level == 0 ? found.bin : distance;
      digits |= level == 0 ? 0 : uint32(found.bin) << behind(level);
      wanted -= found.before;
    }
    // What is wanted of equal logits.
    int key = int(~digits ^ 0x80000000u);
    uint64 each = counts ? 1 : weight(logitOf(key));
    uint64 ties = (wanted + each - 1) / each;
    Value isTie{key, true, 0};
    Share share = shareOf(isTie);
    lastTie = ties < share.total ? find(isTie, share, ties - 1) : key == border ? lastTie : noIndex;
    border = key;
  }

  /// A number for each token: whether it is kept and has the key, or its weight if it is kept and
  /// that is no less than `least`.
  struct Value {
    int key;
    bool ofTies;
    uint64 least;
  };
  __device__ uint64 valueOf(const Value &value, float logit, int id) const {
    uint64 own = !isKept(logit, id) ? 0
                 : value.ofTies     ? uint64(keyOf(logit) == value.key)
                                    : weight(logit);
    return own >= value.least ? own : 0;
  }

  /// A warp has so many consecutive tokens, the last ones fewer.
  __device__ int tokensOfWarp() const {
    return int(ceilDiv(limit, threads * width)) * (warpLanes * width);
  }
  /// Where those of a warp begin.
  __device__ int beginOf(int warp) const {
    int64 begin = int64(tokensOfWarp()) * warp;
    return begin < limit ? int(begin) : limit;
  }

  /// The sums of values of earlier warps, of those and the warp's own, and of all.
  struct Share {
    uint64 before, until, total;
  };
  __device__ Share shareOf(const Value &value) {
    uint64 own = 0;
    forEach(beginOf(warpIndex()) + laneIndex() * width, beginOf(warpIndex() + 1), warpLanes * width,
            [&](float logit, int id) { own += valueOf(value, logit, id); });
    Prefix prefix = blockPrefix<threads>(own, sums);
    return {shuffleWide(prefix.before, 0), shuffleWide(prefix.before + own, warpLanes - 1),
            prefix.total};
  }

  /// The first id up to which values have a sum of more than `place`, which is less than that of
  /// all: first the warp that has it, then, of its tokens, of which each thread of the block has
  /// some, the thread.
  __device__ int find(const Value &value, const Share &share, uint64 place) {
    if (share.before <= place && place < share.until && laneIndex() == 0) {
      answer[0] = uint64(beginOf(warpIndex()));
      answer[1] = share.before;
    }
    syncBlock();
    int ofThread = int(ceilDiv(tokensOfWarp(), threads));
    int begin = int(answer[0]) + threadIndex() * ofThread;
    int end = begin + ofThread < limit ? begin + ofThread : limit;
    uint64 own = 0;
#pragma unroll 1
    for (int i = begin; i < end; ++i) {
      own += valueOf(value, values[i], i);
    }
    Prefix prefix = blockPrefix<threads>(own, sums);
    uint64 before = answer[1] + prefix.before;
    syncBlock(); // before `answer` is written again
    if (before <= place && place < before + own) {
      int id = begin - 1;
      do {
        ++id;
        before += valueOf(value, values[id], id);
      } while (before <= place);
      answer[0] = uint64(id);
    }
    syncBlock();
    int id = int(answer[0]);
    syncBlock(); // before `answer` is written again
    return id;
  }

  /// A token, drawn as the row says.
  __device__ int draw(const SamplingRow &row) {
#pragma unroll 1
    for (int filter = 0; filter < 2; ++filter) {
      bool isTopK = filter == 0;
      if (isTopK ? row.topK <= 0 || row.topK >= limit : row.cut == 0) {
        continue;
      }
      uint64 all = isTopK ? uint64(row.topK) : shareOf({0, false, 0}).total;
      keep(isTopK, isTopK ? all : all - scaled(all, row.cut, 0));
    }
    Value likely{0, false, uint64(row.least) << (weightBits - 32)};
    Share share = shareOf(likely);
    uint64 low = scaled(share.total, row.drawLow, 0);
    return find(likely, share, scaled(share.total, row.drawHigh, low));
  }
};

template <int columns, int threads, typename X>
__device__ inline void sample(Launch launch, X x, const int32 *rows, int32 *out) {
  if (launch.stopped()) {
    return;
  }
  int64 number = blockIndex();
  SamplingRow row = SamplingRow::at(rows + number * SamplingRow::words);
  int limit = row.limit < columns ? row.limit : columns;
  Sampling<threads, vectorWidth<float>(X::begins)> sampling(SharedArrays{}, x.at(number), limit,
                                                            row.scale);
  bool greedy = row.scale == 0.0f;
  Found best = greedy ? sampling.template best<false>() : sampling.template best<true>();
  int token = best.index != noIndex && best.value < infinity() ? best.index : -1;
  if (!greedy && token >= 0) {
    sampling.largest = best.value;
    token = sampling.draw(row);
  }
  if (threadIndex() == 0) {
    out[number] = token;
  }
}

} // namespace dsv3::gpu
