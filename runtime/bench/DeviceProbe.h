//===- DeviceProbe.h - what a GPU can do at most ----------------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"
#include "runtime/bench/LimitProbe.h"
#include "runtime/hal/Device.h"

#include <memory>

namespace dsv3::runtime {

/// Memory is measured by a copy that the device itself makes: it reads as much as it writes. The
/// peak of products is given, since only hand-written kernels would reach it.
class DeviceProbe final : public LimitProbe {
public:
  /// Takes twice `bytes` of the device's memory, which should be many times what its caches hold.
  /// The device outlives it.
  static Expected<std::unique_ptr<DeviceProbe>> create(Device &device, int64_t bytes, double peak);

  std::vector<double> readRates() override;
  double peak() override { return givenPeak; }

private:
  DeviceProbe(Device &device, std::unique_ptr<Buffer> from, std::unique_ptr<Buffer> to, double peak)
      : device(device), from(std::move(from)), to(std::move(to)), givenPeak(peak) {}

  Device &device;
  std::unique_ptr<Buffer> from, to;
  double givenPeak;
};

/// Limits that a table gives.
class TableProbe final : public LimitProbe {
public:
  TableProbe(double bandwidth, double peak) : bandwidth(bandwidth), givenPeak(peak) {}
  std::vector<double> readRates() override { return {bandwidth}; }
  double peak() override { return givenPeak; }

private:
  double bandwidth, givenPeak;
};

} // namespace dsv3::runtime
