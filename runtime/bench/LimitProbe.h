//===- LimitProbe.h - what a machine can do at most -------------*- C++ -*-===//
#pragma once

namespace dsv3::runtime {

/// The limits that steps are compared with. They may change from minute to minute where they are
/// measured.
class LimitProbe {
public:
  virtual ~LimitProbe() = default;
  /// Bytes per second that memory gives.
  virtual double readBandwidth() = 0;
  /// Operations per second of products in the precision of the model.
  virtual double peak() = 0;
};

} // namespace dsv3::runtime
