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
/// (DeepSeek-V3 Technical Report, 2.1.2).
template <int experts, int groups, int topGroups, int topK>
struct Routing {
  static constexpr int sharedBytes = (2 * experts + groups + 2 * topK) * 4;
  static constexpr int size = experts / groups; ///< of a group

  float *scores;      ///< s of each expert
  float *biased;      ///< s + b; -infinity where an expert cannot be chosen
  float *groupScores; ///< +infinity for a group that was chosen
  float *weights;     ///< of the chosen, heaviest first
  int *chosen;

  __device__ explicit Routing(SharedArrays shared)
      : scores(shared.take<float>(experts)), biased(shared.take<float>(experts)),
        groupScores(shared.take<float>(groups)), weights(shared.take<float>(topK)),
        chosen(shared.take<int>(topK)) {}

  /// The largest of biased[begin, end), and its index.
  __device__ Found bestOf(int begin, int end) const {
    Found own{-infinity(), noIndex};
    for (int e = begin + laneIndex(); e < end; e += warpLanes) {
      if (biased[e] > own.value || own.index == noIndex) {
        own = {biased[e], e};
      }
    }
    return warpBest(own);
  }

  __device__ void exclude(int expert) const {
    syncWarp();
    if (laneIndex() == 0) {
      biased[expert] = -infinity();
    }
    syncWarp();
  }

  template <typename Bias>
  __device__ void score(const float *logits, const Bias *bias) const {
    for (int e = laneIndex(); e < experts; e += warpLanes) {
      float s = quotient(1.0f, 1.0f + exponential(-logits[e]));
      scores[e] = s;
      biased[e] = s + toFloat(bias[e]);
    }
    syncWarp();
  }

  /// A group counts as much as its two best experts together; the experts of groups that are
  /// not among the best cannot be chosen.
  __device__ void limitGroups() const {
    for (int g = 0; g < groups; ++g) {
      Found best = bestOf(g * size, (g + 1) * size);
      exclude(best.index);
      Found second = bestOf(g * size, (g + 1) * size);
      syncWarp();
      if (laneIndex() == 0) {
        biased[best.index] = best.value;
        groupScores[g] = best.value + second.value;
      }
      syncWarp();
    }
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
    for (int e = laneIndex(); e < experts; e += warpLanes) {
      if (groupScores[e / size] != infinity()) {
        biased[e] = -infinity();
      }
    }
    syncWarp();
  }

  /// Puts an expert into the list, which is ordered by weight, `descending` or not.
  __device__ void insert(int count, int expert, bool descending) const {
    float score = scores[expert];
    int place = count;
    for (; place > 0; --place) {
      float other = weights[place - 1];
      bool heavier = descending ? score > other : score < other;
      if (!heavier && !(score == other && expert < chosen[place - 1])) {
        break;
      }
      weights[place] = other;
      chosen[place] = chosen[place - 1];
    }
    weights[place] = score;
    chosen[place] = expert;
  }

  /// Chooses experts; the sum of their scores.
  __device__ float choose(bool descending) const {
    float sum = 0.0f;
    for (int j = 0; j < topK; ++j) {
      Found best = bestOf(0, experts);
      sum += scores[best.index];
      exclude(best.index);
      if (laneIndex() == 0) {
        insert(j, best.index, descending);
      }
    }
    syncWarp();
    return sum;
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
  Routing<experts, groups, topGroups, topK> routing(SharedArrays{});
  routing.score(logits + row * experts, bias);
  if constexpr (groups > 1) {
    routing.limitGroups();
  }
  // A negative factor turns the order of the weights around.
  float sum = routing.choose(factor >= 0.0f);
  float divisor = normalise ? sum + 1e-20f : 1.0f;
  for (int j = laneIndex(); j < topK; j += warpLanes) {
    toExperts[row * topK + j] = routing.chosen[j];
    toWeights[row * topK + j] = quotient(routing.weights[j], divisor) * factor;
  }
}

/// Of dispatch: the next entry of each expert, and whether an expert is out of range.
__device__ constexpr int dispatchSharedBytes(int experts) { return (experts + 1) * 4; }

/// A block does all, a thread an expert, so that entries keep the order of the tokens.
template <int experts, int perToken, int threads>
__device__ inline void dispatch(Launch launch, const int32 *chosen, int32 *offsets, int32 *rows,
                                int32 *slots, int64 tokens) {
  if (launch.stopped()) {
    return;
  }
  SharedArrays shared;
  int *next = shared.take<int>(experts), *wrong = shared.take<int>(1);
  auto entries = int(tokens * perToken);
  if (threadIndex() == 0) {
    *wrong = 0;
  }
  syncBlock();
  for (int i = threadIndex(); i < entries; i += threads) {
    if (!launch.checked(chosen[i], experts)) {
      *wrong = 1;
    }
  }
  syncBlock();
  if (*wrong != 0) {
    return;
  }
  for (int e = threadIndex(); e < experts; e += threads) {
    int count = 0;
    for (int i = 0; i < entries; ++i) {
      count += chosen[i] == e ? 1 : 0;
    }
    next[e] = count;
  }
  syncBlock();
  if (threadIndex() == 0) {
    int total = 0;
    for (int e = 0; e < experts; ++e) {
      int count = next[e];
      next[e] = total;
      offsets[e] = total;
      total += count;
    }
    offsets[experts] = total;
  }
  syncBlock();
  for (int e = threadIndex(); e < experts; e += threads) {
    int place = next[e];
    for (int i = 0; i < entries; ++i) {
      if (chosen[i] == e) {
        slots[i] = place;
        rows[place] = i / perToken;
        ++place;
      }
    }
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
