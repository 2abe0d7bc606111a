//===- Fault.cpp - kernels that touch memory which is not there -----------===//

#include "runtime/drivers/sim/Fault.h"

#include "runtime/drivers/sim/Block.h"

#include <csignal>
#include <mutex>
#include <ucontext.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

using namespace dsv3::runtime::sim;

/// Whose kernel this thread runs; null outside of kernels.
static thread_local Block *running = nullptr;
namespace {
/// The calling thread's stack for the handler, since a fiber that has no stack left has none for it
/// either. The thread gets back what it had when it ends: others free what they find there.
class HandlerStack {
public:
  HandlerStack() {
    stack_t own = {};
    own.ss_sp = memory;
    own.ss_size = sizeof memory;
    sigaltstack(&own, &before);
  }
  ~HandlerStack() { sigaltstack(&before, nullptr); }
  /// Handlers that left it never returned: takes away the marks of sanitizers on their frames.
  void clean() {
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(memory, sizeof memory);
#endif
  }
  HandlerStack(const HandlerStack &) = delete;
  HandlerStack &operator=(const HandlerStack &) = delete;

private:
  alignas(16) std::byte memory[size_t(64) << 10];
  stack_t before = {};
};
} // namespace

static struct sigaction previous = {};

static const void *codeOf(void *context) {
#if defined(__x86_64__)
  auto at = static_cast<ucontext_t *>(context)->uc_mcontext.gregs[REG_RIP];
  // Places are those that calls return to: behind an instruction.
  return reinterpret_cast<const char *>(at) + 1; // NOLINT(performance-no-int-to-ptr): a register
#else
  (void)context;
  return nullptr;
#endif
}

/// Leaves the handler's stack for the scheduler's and never comes back, which the kernel of the
/// system need not know: SA_NODEFER leaves no signal blocked.
static void handle(int signal, siginfo_t *info, void *context) {
  if (running) {
    running->fault(info->si_addr, codeOf(context));
  }
  // Not ours: the same fault again, for whom it was before.
  sigaction(signal, &previous, nullptr);
}

FaultGuard::FaultGuard(Block &block) {
  static std::once_flag installed;
  std::call_once(installed, [] {
    struct sigaction action = {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(SIGSEGV, &action, &previous);
  });
  thread_local HandlerStack stack;
  stack.clean();
  running = &block;
}

FaultGuard::~FaultGuard() { running = nullptr; }
