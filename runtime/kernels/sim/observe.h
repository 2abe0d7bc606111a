//===- observe.h - loads and stores that are seen ---------------*- C++ -*-===//
//
// Before the text of a kernel that clang compiles with -fsanitize=thread: the functions that
// the code then calls before each load and store. Not the sanitizer's library, which this
// stands for: they tell the simulator.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/sim/machine.h"

namespace dsv3::sim {

DSV3_UNSEEN inline void observe(const void *place, unsigned bytes, bool store, const void *site) {
  Thread &thread = thisThread();
  thread.machine->observe(thread, place, bytes, store, site);
}

} // namespace dsv3::sim

// NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): clang's names.
#define DSV3_OBSERVE(NAME, BYTES, STORE)                                                           \
  extern "C" DSV3_UNSEEN void __tsan_##NAME(void *place) {                                         \
    dsv3::sim::observe(place, BYTES, STORE, __builtin_return_address(0));                          \
  }
#define DSV3_OBSERVE_SIZE(BYTES)                                                                   \
  DSV3_OBSERVE(read##BYTES, BYTES, false)                                                          \
  DSV3_OBSERVE(write##BYTES, BYTES, true)                                                          \
  DSV3_OBSERVE(unaligned_read##BYTES, BYTES, false)                                                \
  DSV3_OBSERVE(unaligned_write##BYTES, BYTES, true)
DSV3_OBSERVE_SIZE(1)
DSV3_OBSERVE_SIZE(2)
DSV3_OBSERVE_SIZE(4)
DSV3_OBSERVE_SIZE(8)
DSV3_OBSERVE_SIZE(16)

extern "C" DSV3_UNSEEN void *__tsan_memcpy(void *to, const void *from, unsigned long bytes) {
  dsv3::sim::observe(from, unsigned(bytes), false, __builtin_return_address(0));
  dsv3::sim::observe(to, unsigned(bytes), true, __builtin_return_address(0));
  return __builtin_memcpy(to, from, bytes);
}
extern "C" DSV3_UNSEEN void *__tsan_memmove(void *to, const void *from, unsigned long bytes) {
  dsv3::sim::observe(from, unsigned(bytes), false, __builtin_return_address(0));
  dsv3::sim::observe(to, unsigned(bytes), true, __builtin_return_address(0));
  return __builtin_memmove(to, from, bytes);
}
extern "C" DSV3_UNSEEN void *__tsan_memset(void *to, int value, unsigned long bytes) {
  dsv3::sim::observe(to, unsigned(bytes), true, __builtin_return_address(0));
  return __builtin_memset(to, value, bytes);
}
extern "C" DSV3_UNSEEN void __tsan_init() {}
// NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming)
