//===- UnionEstimate.h - how much all touch, from some ----------*- C++ -*-===//
#pragma once

#include <cstdint>

namespace dsv3::runtime {

/// What a sample of blocks touched: `once` are the things that one block of the sample touched,
/// `twice` those that two did, `distinct` all of them.
struct SampledUnion {
  int64_t distinct = 0, once = 0, twice = 0;
};

/// How many things all `blocks` blocks touch, from `sampled` of them: Chao and Lin's lower bound
/// for samples without replacement (2012). Exact where each thing belongs to one block, and where
/// each belongs to all.
double estimateUnion(const SampledUnion &sample, int64_t sampled, int64_t blocks);

} // namespace dsv3::runtime
