//===- Fiber.h - threads that are switched by hand --------------*- C++ -*-===//
//
// A thread of a simulated GPU: a stack, and where it stopped. On x86-64 a switch saves the
// registers that calls preserve and costs a few nanoseconds; elsewhere ucontext does it,
// which also asks the system about signals each time and is thirty times slower.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstddef>
#include <span>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace dsv3::runtime::sim {

class Fiber {
public:
  /// The next switch here calls `function(argument)`, which must not return, on `stack`.
  void start(std::span<std::byte> stack, void (*function)(void *), void *argument);
  /// Stops the one that runs, which is `from`, and goes on with `to`.
  static void change(Fiber &from, Fiber &to);

private:
#if defined(__x86_64__)
  void *stackPointer = nullptr;
#else
  static void begin(unsigned high, unsigned low);

  ucontext_t context{};
  void (*function)(void *) = nullptr;
  void *argument = nullptr;
#endif
};

#if defined(__x86_64__)
extern "C" void dsv3ChangeFiber(void **from, void *to);
inline void Fiber::change(Fiber &from, Fiber &to) {
  dsv3ChangeFiber(&from.stackPointer, to.stackPointer);
}
#else
inline void Fiber::change(Fiber &from, Fiber &to) { swapcontext(&from.context, &to.context); }
#endif

} // namespace dsv3::runtime::sim
