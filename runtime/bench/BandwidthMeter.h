//===- BandwidthMeter.h - what memory gave over some time -------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <vector>

namespace dsv3::runtime {

/// What memory gave while something else ran: it is looked at now and then meanwhile, since it may
/// change within a second. A single pass may be lucky, so ways to read it are compared by their
/// averages.
class BandwidthMeter {
public:
  /// `rates` as LimitProbe::readRates gives them.
  void add(std::vector<double> rates);
  /// The way that was the fastest on average; 0 if there was no look.
  size_t fastestWay() const;
  /// Bytes over the time of all passes of a way. Precondition: there was a look.
  double average(size_t way) const;
  /// What each look found, of a way.
  std::vector<double> looks(size_t way) const;

private:
  std::vector<std::vector<double>> all; ///< [look][way]
};

} // namespace dsv3::runtime
