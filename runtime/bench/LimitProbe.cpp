//===- LimitProbe.cpp - what a machine can do at most ---------------------===//

#include "runtime/bench/LimitProbe.h"

using namespace dsv3::runtime;

void BandwidthMeter::add(const std::vector<double> &rates) { all.push_back(rates); }

double BandwidthMeter::average(size_t way) const {
  double seconds = 0; // of a byte in each look
  for (const std::vector<double> &look : all) {
    seconds += 1 / look[way];
  }
  return double(all.size()) / seconds;
}

size_t BandwidthMeter::fastest() const {
  size_t best = 0;
  for (size_t way = 1; way < all.front().size(); ++way) {
    best = average(way) > average(best) ? way : best;
  }
  return best;
}

double BandwidthMeter::average() const { return all.empty() ? 0 : average(fastest()); }

std::vector<double> BandwidthMeter::looks() const {
  std::vector<double> found;
  for (const std::vector<double> &look : all) {
    found.push_back(look[fastest()]);
  }
  return found;
}
