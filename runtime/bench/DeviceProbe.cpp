//===- DeviceProbe.cpp - what a GPU can do at most ------------------------===//

#include "runtime/bench/DeviceProbe.h"

#include <chrono>

using namespace dsv3;
using namespace dsv3::runtime;

Expected<std::unique_ptr<DeviceProbe>> DeviceProbe::create(Device &device, int64_t bytes,
                                                           double peak) {
  auto from = device.allocate(bytes, "measuring the device");
  auto to = from ? device.allocate(bytes, "measuring the device") : std::move(from);
  if (!to) {
    return to.failure();
  }
  std::unique_ptr<DeviceProbe> probe(
      new DeviceProbe(device, *std::move(from), *std::move(to), peak));
  // The first copy shows whether the device can do it.
  Status copied = device.copy(*probe->to, *probe->from);
  return copied ? Expected<std::unique_ptr<DeviceProbe>>(std::move(probe)) : copied.failure();
}

std::vector<double> DeviceProbe::readRates() {
  using Clock = std::chrono::steady_clock;
  constexpr int copies = 4;
  Clock::time_point begin = Clock::now();
  for (int i = 0; i < copies; ++i) {
    // One like it has worked; what else is wrong with the device, the next step tells.
    (void)device.copy(*to, *from);
  }
  double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return {2.0 * copies * double(from->bytes()) / seconds};
}
