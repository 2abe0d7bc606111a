//===- UnionEstimate.cpp - how much all touch, from some ------------------===//

#include "runtime/predict/UnionEstimate.h"

using namespace dsv3;

double runtime::estimateUnion(const SampledUnion &sample, int64_t sampled, int64_t blocks) {
  auto distinct = double(sample.distinct), once = double(sample.once), n = double(sampled);
  if (sampled >= blocks || sample.once == 0) {
    return distinct;
  }
  double share = n / double(blocks);
  double ofPairs = sampled > 1 ? n / (n - 1) * 2 * double(sample.twice) : 0;
  return distinct + once * once / (ofPairs + share / (1 - share) * once);
}
