//===- PackedOutbox.cpp - packed weights that wait to be taken ------------===//
#include "runtime/params/PackedOutbox.h"

#include "runtime/base/Memory.h"

#include <chrono>
#include <utility>

using namespace dsv3;
using namespace dsv3::runtime;

static uint64_t bytesOf(const PackItem &item) { return item.data.size() + item.scales.size(); }

void PackedOutbox::add(const PackItem &item) {
  if (item.place.ofExperts && !options.experts.empty()) {
    return; // they stay
  }
  std::lock_guard lock(mutex);
  ready.push_back(&item);
  readyBytes += bytesOf(item);
}

void PackedOutbox::waitForRoom() {
  if (std::this_thread::get_id() == taker) {
    held = held ? take() : held; // the system gave no other threads
    return;
  }
  constexpr std::chrono::milliseconds betweenLooks(50);
  std::unique_lock lock(mutex);
  while (readyBytes > mostReadyBytes && !failed && !(options.cancel && options.cancel->load())) {
    taken.wait_for(lock, betweenLooks);
  }
}

Status PackedOutbox::take() {
  std::unique_lock lock(mutex);
  std::vector<const PackItem *> items = std::exchange(ready, {});
  lock.unlock();
  Status status = held;
  for (const PackItem *item : items) {
    for (auto [place, bytes] :
         {std::pair(item->place, item->data), std::pair(item->scalePlace, item->scales)}) {
      if (status && !bytes.empty()) {
        status = options.take(place, bytes);
        giveBack(bytes);
      }
    }
    lock.lock();
    readyBytes -= bytesOf(*item);
    failed = !status;
    lock.unlock();
    taken.notify_all();
  }
  return status;
}
