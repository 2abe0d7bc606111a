//===- LimitProbe.h - what a machine can do at most -------------*- C++ -*-===//
#pragma once

#include <vector>

namespace dsv3::runtime {

/// The limits that steps are compared with. They may change within a second where they are
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

} // namespace dsv3::runtime
