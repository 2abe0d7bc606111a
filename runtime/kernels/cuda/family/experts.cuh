//===- experts.cuh - kern.router, kern.dispatch, kern.combine ---*- C++ -*-===//
//
// Which experts a token has, the tokens of each expert in order, and the weighted sum
// of what the experts gave. Ties go to the lowest expert, as in the reference.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/tile/failure.cuh"
#include "runtime/kernels/cuda/tile/reduce.cuh"
#include "runtime/kernels/cuda/tile/rows.cuh"

namespace dsv3::gpu {

/// The router's choice for a token by a warp, in the steps and with the names of the paper
/// (DeepSeek-V3 Technical Report, 2.1.2). A lane has the numbers of experts laneIndex() + 32 i in
/// registers: of a token alone nothing but waiting takes time.
template <int experts, int groups, int topGroups, int topK>
struct Routing {
  static constexpr int sharedBytes = (experts + groups + 2 * topK) * 4;
  static constexpr int size = experts / groups; ///< of a group

  const float *logits;                       ///< of the token
  float biased[ceilDiv(experts, warpLanes)]; ///< s + b; -infinity where one cannot be chosen
  float *members;                            ///< the same, as groups have them
  float *groupScores;                        ///< +infinity for a group that was chosen
  float *weights;                            ///< s of the chosen
  int *chosen;

  template <typename Bias>
  __device__ Routing(SharedArrays shared, const float *logits, const Bias *bias)
      : logits(logits), members(shared.take<float>(experts)),
        groupScores(shared.take<float>(groups)), weights(shared.take<float>(topK)),
        chosen(shared.take<int>(topK)) {
#pragma unroll
    for (int i = 0; i < ceilDiv(experts, warpLanes); ++i) {
      int e = i * warpLanes + laneIndex();
      biased[i] = e < experts ? score(e) + toFloat(bias[e]) : -infinity();
    }
  }

  __device__ float score(int expert) const {
    return quotient(1.0f, 1.0f + exponential(-logits[expert]));
  }

  /// The largest of `count` values, of which a lane has those with places laneIndex() + 32 i, and
  /// its place.
  template <int count>
  __device__ static Found bestOf(const float (&values)[ceilDiv(count, warpLanes)]) {
    Found own{-infinity(), noIndex};
#pragma unroll
    for (int i = 0; i < ceilDiv(count, warpLanes); ++i) {
      int place = i * warpLanes + laneIndex();
      if (place < count && (values[i] > own.value || own.index == noIndex)) {
        own = {values[i], place};
      }
    }
    return warpBest(own);
  }

  template <int count>
  __device__ static void exclude(float (&values)[count], int place) {
#pragma unroll
    for (int i = 0; i < count; ++i) {
      values[i] = i * warpLanes + laneIndex() == place ? -infinity() : values[i];
    }
  }

  /// A group counts as much as its two best experts together.
  __device__ void scoreGroups() const {
#pragma unroll
    for (int i = 0; i < ceilDiv(experts, warpLanes); ++i) {
      int e = i * warpLanes + laneIndex();
      if (e < experts) {
        members[e] = biased[i];
      }
    }
    syncWarp();
#pragma unroll 4 // while one waits others go on
    for (int g = 0; g < groups; ++g) {
      float own[ceilDiv(size, warpLanes)];
#pragma unroll
      for (int i = 0; i < ceilDiv(size, warpLanes); ++i) {
        int place = i * warpLanes + laneIndex();
        own[i] = place < size ? members[g * size + place] : -infinity();
      }
      Found best = bestOf<size>(own);
      exclude(own, best.index);
      Found second = bestOf<size>(own);
      if (laneIndex() == 0) {
        groupScores[g] = best.value + second.value;
      }
    }
    syncWarp();
  }

  /// The experts of groups that are not among the best cannot be chosen.
  __device__ void limitGroups() {
    scoreGroups();
    for (int i = 0; i < topGroups; ++i) {
      Found own{-infinity(), noIndex};
      for (int g = laneIndex(); g < groups; g += warpLanes) {
        bool open = groupScores[g] != infinity();
        if (open && (groupScores[g] > own.value || own.index == noIndex)) {
          own = {groupScores[g], g};
        }
      }
      Found best = warpBest(own);
      syncWarp();
      // With scores that are infinite themselves there may be no open group left.
      if (laneIndex() == 0 && best.index != noIndex) {
        groupScores[best.index] = infinity();
      }
      syncWarp();
    }
#pragma unroll
    for (int i = 0; i < ceilDiv(experts, warpLanes); ++i) {
      int e = i * warpLanes + laneIndex();
      if (e < experts && groupScores[e / size] != infinity()) {
        biased[i] = -infinity();
      }
    }
  }

  /// Chooses experts, the best first.
  __device__ void choose() {
#pragma unroll 1 // fetching code takes longer than a branch
    for (int j = 0; j < topK; ++j) {
      Found best = bestOf<experts>(biased);
      exclude(biased, best.index);
      if (laneIndex() == 0) {
        chosen[j] = best.index;
      }
    }
    syncWarp();
    for (int j = laneIndex(); j < topK; j += warpLanes) {
      weights[j] = score(chosen[j]);
    }
    syncWarp();
  }

  __device__ float weightSum() const {
    float sum = 0.0f;
    for (int j = 0; j < topK; ++j) {
      sum += weights[j];
    }
    return sum;
  }

  /// The place of a chosen expert in the list, which is ordered by weight, `descending` or not. As
  /// if they were inserted one after the other: none passes a weight that is no number.
  __device__ int placeOf(int j, bool descending) const {
    auto precedes = [&](int a, int b) {
      bool heavier = descending ? weights[a] > weights[b] : weights[a] < weights[b];
      return heavier || (weights[a] == weights[b] && chosen[a] < chosen[b]);
    };
    int place = 0;
    for (int other = 0; other < topK; ++other) {
      if (weights[other] != weights[other]) {
        if (other >= j) {
          break;
        }
        place = other + 1;
      } else {
        place += (other < j ? !precedes(j, other) : precedes(other, j)) ? 1 : 0;
      }
    }
    return place;
  }
};

/// A warp is the block.
template <int experts, int groups, int topGroups, int topK, bool normalise, typename Bias>
__device__ inline void router(Launch launch, const float *logits, const Bias *bias,
                              int32 *toExperts, float *toWeights, float factor) {
  if (launch.stopped()) {
    return;
  }
  int64 row = blockIndex();
  Routing<experts, groups, topGroups, topK> routing(SharedArrays{}, logits + row * experts, bias);
  if constexpr (groups > 1) {
    routing.limitGroups();
  }
  routing.choose();
  float divisor = normalise ? routing.weightSum() + 1e-20f : 1.0f;
  for (int j = laneIndex(); j < topK; j += warpLanes) {
    // A negative factor turns the order of the weights around.
    int64 place = row * topK + routing.placeOf(j, factor >= 0.0f);
    toExperts[place] = routing.chosen[j];
    toWeights[place] = quotient(routing.weights[j], divisor) * factor;
  }
}

/// The entries of dispatch by their experts. A warp has consecutive ones, and counts them.
template <int experts, int threads>
struct Dispatching {
  static constexpr int warps = threads / warpLanes;
  static constexpr int bins = experts + 1; ///< the last for what is no entry, or none that can be
  static constexpr int atOnce = 4;         ///< loads of a lane that are on their way together

  int *counts; ///< [warps][bins]; then the entries of an expert that earlier warps have
  int *starts; ///< [bins]: the first entry of an expert; behind them, how many there are
  int entries;
  int begin, end; ///< of the warp

  __device__ Dispatching(SharedArrays shared, int entries)
      : counts(shared.take<int>(warps * bins)), starts(shared.take<int>(bins)), entries(entries) {
    int ofWarp = int(ceilDiv(entries, threads)) * warpLanes;
    begin = warpIndex() * ofWarp;
    end = begin + ofWarp < entries ? begin + ofWarp : entries;
  }

  __device__ int *ownCounts() const { return counts + warpIndex() * bins; }

  /// The lanes whose bin is the lane's own.
  __device__ static uint32 lanesAlike(int bin) {
    uint32 alike = ~0u;
#pragma unroll
    for (int bit = 1; bit < bins; bit *= 2) {
      bool set = (bin & bit) != 0;
      uint32 others = ballot(set);
      alike &= set ? others : ~others;
    }
    return alike;
  }

  /// Counts the entries of the warp. ranks[i]: earlier ones of entry i's expert.
  __device__ void count(const int32 *chosen, int32 *ranks) const {
    int *own = ownCounts();
    for (int e = laneIndex(); e < bins; e += warpLanes) {
      own[e] = 0;
    }
    syncWarp();
    uint32 lowerLanes = (1u << laneIndex()) - 1;
    for (int first = begin; first < end; first += atOnce * warpLanes) {
      int bin[atOnce];
#pragma unroll
      for (int i = 0; i < atOnce; ++i) {
        int entry = first + i * warpLanes + laneIndex();
        int expert = entry < end ? chosen[entry] : experts;
        bin[i] = uint32(expert) < uint32(experts) ? expert : experts;
      }
#pragma unroll
      for (int i = 0; i < atOnce; ++i) {
        int entry = first + i * warpLanes + laneIndex();
        if (entry - laneIndex() >= end) {
          break;
        }
        uint32 alike = lanesAlike(bin[i]);
        int earlier = own[bin[i]], rank = countOf(alike & lowerLanes);
        syncWarp();
        if (rank == 0) {
          own[bin[i]] = earlier + countOf(alike);
        }
        syncWarp();
        if (entry < end) {
          ranks[entry] = earlier + rank;
        }
      }
    }
  }

  /// What earlier warps have of each expert, and in `starts` what all have.
  __device__ void addWarps() const {
    for (int e = threadIndex(); e < experts; e += threads) {
      int total = 0;
      for (int w = 0; w < warps; ++w) {
        int count = counts[w * bins + e];
        counts[w * bins + e] = total;
        total += count;
      }
      starts[e] = total;
    }
  }

  /// By a warp: where experts begin, which have as many entries as `starts` says so far.
  __device__ void addExperts(int32 *offsets) const {
    constexpr int ofLane = ceilDiv(experts, warpLanes);
    int first = laneIndex() * ofLane, until = 0;
    int last = first + ofLane < experts ? first + ofLane : experts;
    for (int e = first; e < last; ++e) {
      until += starts[e];
    }
    int own = until;
    for (int delta = 1; delta < warpLanes; delta *= 2) {
      int lower = shuffleUp(until, delta);
      until += laneIndex() >= delta ? lower : 0;
    }
    int place = until - own, total = shuffle(until, warpLanes - 1);
    if (laneIndex() == 0) {
      starts[experts] = total;
    }
    if (total != entries) {
      return; // some have no expert that there is
    }
    for (int e = first; e < last; ++e) {
      int count = starts[e];
      starts[e] = place;
      offsets[e] = place;
      place += count;
    }
    if (laneIndex() == 0) {
      offsets[experts] = total;
    }
  }
};

__device__ constexpr int dispatchSharedBytes(int experts, int threads) {
  return (threads / warpLanes + 1) * (experts + 1) * 4;
}

/// A block does all. Entries of an expert keep the order of the tokens.
template <int experts, int perToken, int threads>
__device__ inline void dispatch(Launch launch, const int32 *chosen, int32 *offsets, int32 *rows,
                                int32 *slots, int64 tokens) {
  if (launch.stopped()) {
    return;
  }
  Dispatching<experts, threads> entries(SharedArrays{}, int(tokens * perToken));
  entries.count(chosen, slots);
  syncBlock();
  entries.addWarps();
  syncBlock();
  if (warpIndex() == 0) {
    entries.addExperts(offsets);
  }
  syncBlock();
  if (entries.starts[experts] != entries.entries) {
    launch.fail(indexOutOfRange);
    return;
  }
  const int *earlier = entries.ownCounts();
#pragma unroll 4
  for (int i = entries.begin + laneIndex(); i < entries.end; i += warpLanes) {
    int place = entries.starts[chosen[i]] + earlier[chosen[i]] + slots[i];
    slots[i] = place;
    rows[place] = i / perToken;
  }
}

/// A block has `threads` columns of a row. epilogue(place, sums) stores what becomes of the sum.
template <int64 columns, int perToken, int threads, typename X, typename Epilogue>
__device__ inline void combine(Launch launch, X x, const int32 *slots, const float *weights,
                               const Epilogue &epilogue) {
  if (launch.stopped()) {
    return;
  }
  constexpr int64 blocks = ceilDiv(columns, threads);
  int64 row = blockIndex() / blocks, column = blockIndex() % blocks * threads + threadIndex();
  if (column >= columns) {
    return;
  }
  float sums[1] = {0.0f};
  for (int j = 0; j < perToken; ++j) {
    float value = toFloat(x.at(slots[row * perToken + j])[column]);
    sums[0] = multiplyAdd(weights[row * perToken + j], value, sums[0]);
  }
  epilogue(Place{row, 0, 0, column}, sums);
}

} // namespace dsv3::gpu
