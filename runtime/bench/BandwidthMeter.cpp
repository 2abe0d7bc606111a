//===- BandwidthMeter.cpp - what memory gave over some time ---------------===//

#include "runtime/bench/BandwidthMeter.h"

#include <utility>

using namespace dsv3::runtime;

void BandwidthMeter::add(std::vector<double> rates) { all.push_back(std::move(rates)); }

size_t BandwidthMeter::fastestWay() const {
  size_t best = 0;
  for (size_t way = 1; !all.empty() && way < all.front().size(); ++way) {
    best = average(way) > average(best) ? way : best;
  }
  return best;
}

double BandwidthMeter::average(size_t way) const {
  double seconds = 0; // of a byte in each look
  for (const std::vector<double> &look : all) {
    seconds += 1 / look[way];
  }
  return double(all.size()) / seconds;
}

std::vector<double> BandwidthMeter::looks(size_t way) const {
  std::vector<double> found;
  found.reserve(all.size());
  for (const std::vector<double> &look : all) {
    found.push_back(look[way]);
  }
  return found;
}
