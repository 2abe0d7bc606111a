//===- LimitProbe.h - what a machine can do at most -------------*- C++ -*-===//
#pragma once

#include <cstddef>
#include <vector>

namespace dsv3::runtime {

/// The limits that steps are compared with. They may change from minute to minute where they are
/// measured.
class LimitProbe {
public:
  virtual ~LimitProbe() = default;
  /// Bytes per second that memory gives now, in each of the ways to read it that there are, always
  /// in the same order: which one is the fastest depends on the processor.
  virtual std::vector<double> readRates() = 0;
  /// Operations per second of products in the precision of the model.
  virtual double peak() = 0;
};

/// What memory gave while something else ran: it is looked at now and then meanwhile, since it may
/// change within a second. A single pass may be lucky, so the way counts that was the fastest on
/// average.
class BandwidthMeter {
public:
  /// `rates` as LimitProbe::readRates gives them.
  void add(const std::vector<double> &rates);
  /// Bytes over the time of all passes of that way; 0 if there was none.
  double average() const;
  /// What each look found, of that way.
  std::vector<double> looks() const;

private:
  double average(size_t way) const;
  size_t fastest() const;

  std::vector<std::vector<double>> all; ///< [look][way]
};

} // namespace dsv3::runtime
