//===- Fiber.cpp - threads that are switched by hand ----------------------===//

#include "runtime/drivers/sim/Fiber.h"

#include <cstdint>

using namespace dsv3::runtime::sim;

#if defined(__x86_64__)

// The System V ABI: calls preserve rbx, rbp and r12 to r15. A new fiber finds its argument in
// r12 and its function in r13. Floating-point control words are never changed.
asm(R"(
.text
.globl dsv3ChangeFiber
.hidden dsv3ChangeFiber
.type dsv3ChangeFiber, @function
dsv3ChangeFiber:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size dsv3ChangeFiber, .-dsv3ChangeFiber
.type dsv3BeginFiber, @function
dsv3BeginFiber:
  movq %r12, %rdi
  callq *%r13
  ud2
.size dsv3BeginFiber, .-dsv3BeginFiber
)");
extern "C" void dsv3BeginFiber();

void Fiber::start(std::span<std::byte> stack, void (*function)(void *), void *argument) {
  // Before the call the stack is aligned to 16 bytes, as the ABI wants it.
  std::byte *end = stack.data() + stack.size();
  auto *top = reinterpret_cast<void **>(end - reinterpret_cast<uintptr_t>(end) % 16);
  *--top = nullptr; // no caller
  *--top = nullptr;
  *--top = reinterpret_cast<void *>(dsv3BeginFiber);
  *--top = nullptr;                            // rbp
  *--top = nullptr;                            // rbx
  *--top = argument;                           // r12
  *--top = reinterpret_cast<void *>(function); // r13
  *--top = nullptr;                            // r14
  *--top = nullptr;                            // r15
  stackPointer = static_cast<void *>(top);
}

#else

void Fiber::begin(unsigned high, unsigned low) {
  auto *self = reinterpret_cast<Fiber *>(uintptr_t(high) << 32 | low);
  self->function(self->argument);
}

void Fiber::start(std::span<std::byte> stack, void (*wanted)(void *), void *with) {
  function = wanted;
  argument = with;
  getcontext(&context);
  context.uc_stack.ss_sp = stack.data();
  context.uc_stack.ss_size = stack.size();
  context.uc_link = nullptr;
  auto self = reinterpret_cast<uintptr_t>(this);
  makecontext(&context, reinterpret_cast<void (*)()>(begin), 2, unsigned(self >> 32),
              unsigned(self));
}

#endif
