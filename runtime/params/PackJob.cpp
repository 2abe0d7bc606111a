//===- PackJob.cpp - packing on several threads ---------------------------===//
#include "runtime/params/PackJob.h"

#include "runtime/params/PackedOutbox.h"
#include "runtime/params/UnitJob.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

namespace dsv3::runtime {

Status packItems(std::span<const PackItem> items, const LoadOptions &options,
                 const std::function<void(const PackItem &)> &whenDone) {
  std::vector<int64_t> firstUnits{0}; // of each item, and the end
  std::unique_ptr<std::atomic<int64_t>[]> remaining(new std::atomic<int64_t>[items.size()]);
  uint64_t totalBytes = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    int64_t units = items[i].packer->unitCount();
    remaining[i] = units;
    firstUnits.push_back(firstUnits.back() + units);
    totalBytes += items[i].packer->dataBytes();
  }
  std::optional<PackedOutbox> outbox;
  std::function<Status()> beside;
  if (options.take) {
    beside = [&box = outbox.emplace(options)] { return box.take(); };
  }
  std::mutex mutex;
  size_t damaged = SIZE_MAX; // the first item that is
  auto packUnit = [&](int64_t unit) -> std::optional<uint64_t> {
    auto after = std::upper_bound(firstUnits.begin(), firstUnits.end(), unit);
    auto index = size_t(after - firstUnits.begin()) - 1;
    const PackItem &item = items[index];
    int64_t inItem = unit - firstUnits[index];
    if (outbox) {
      outbox->waitForRoom();
    }
    if (!item.packer->packUnit(inItem, item.reader, item.data, item.scales)) {
      std::lock_guard lock(mutex);
      damaged = std::min(damaged, index);
      return std::nullopt;
    }
    if (--remaining[index] == 0) {
      whenDone(item);
      if (outbox) {
        outbox->add(item);
      }
    }
    return item.packer->unitBytes(inItem);
  };
  Status packed = runUnits(firstUnits.back(), totalBytes, options, packUnit, beside);
  if (damaged != SIZE_MAX) {
    Status status = items[damaged].reader.findDamage();
    return status ? Failure{"some weights could not be read, and can be now", "", "try again"}
                  : status;
  }
  return packed;
}

} // namespace dsv3::runtime
