//===- SmokeMain.cpp - runs a fuzz target without libFuzzer ---------------===//
//
// usage: fuzz-NAME [-runs=N] SEED…
//
// Gives the target every seed, then N mutations of them, always the same ones. Fails if
// the target takes none of the seeds for what it parses. An input that ends the process,
// or takes ten seconds of CPU, is left in the file fuzz-crash of the current directory.
//
//===----------------------------------------------------------------------===//
#include "Fuzz.h"
#include "Mutate.h"
#include "dsv3/Support/File.h"

#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/time.h>
#include <unistd.h>
#include <vector>

using namespace dsv3;

static constexpr size_t mostSeedBytes = size_t(64) << 20;
static constexpr time_t mostSeconds = 10;
static const std::string *current = nullptr;

// A sanitizer's report ends in abort, so that onDeath sees it; what a wrong size asks
// for is refused.
extern "C" const char *__asan_default_options();
extern "C" const char *__asan_default_options() {
  return "abort_on_error=1:max_allocation_size_mb=2048:handle_segv=0:handle_abort=0";
}
extern "C" const char *__ubsan_default_options();
extern "C" const char *__ubsan_default_options() { return "abort_on_error=1:print_stacktrace=1"; }

/// Async-signal-safe.
static void onDeath(int signal) {
  int file = open("fuzz-crash", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file >= 0 && current) {
    ssize_t written = write(file, current->data(), current->size());
    (void)written;
    static constexpr char text[] = "fuzz: the input is in the file fuzz-crash\n";
    written = write(STDERR_FILENO, text, sizeof text - 1);
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

static void watchForDeath() {
  // A stack of its own, for an input that overflows the usual one.
  static char stack[1 << 16];
  stack_t other{};
  other.ss_sp = stack;
  other.ss_size = sizeof stack;
  sigaltstack(&other, nullptr);
  struct sigaction action{};
  action.sa_handler = onDeath;
  action.sa_flags = SA_ONSTACK;
  for (int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGVTALRM}) {
    sigaction(signal, &action, nullptr);
  }
}

static void run(const std::string &input) {
  current = &input;
  itimerval limit{{0, 0}, {mostSeconds, 0}};
  setitimer(ITIMER_VIRTUAL, &limit, nullptr);
  // A copy of exactly the input's size, so that a sanitizer sees any byte beyond it.
  std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  current = nullptr;
}

int main(int argc, char **argv) {
  watchForDeath();
  size_t runs = 0;
  std::vector<std::string> seeds;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "-runs=", 6) == 0) {
      runs = std::strtoull(argv[i] + 6, nullptr, 10);
      continue;
    }
    Expected<std::string> seed = readFile(argv[i], mostSeedBytes);
    if (!seed) {
      std::fprintf(stderr, "%s\n", seed.failure().message().c_str());
      return 1;
    }
    seeds.push_back(*std::move(seed));
  }
  for (const std::string &seed : seeds) {
    run(seed);
  }
  size_t takenSeeds = fuzz::acceptedInputs;
  if (takenSeeds == 0) {
    std::fprintf(stderr, "fuzz: expected a seed that parses, found none of %zu\n", seeds.size());
    return 1;
  }
  run("");
  RandomNumbers random(1);
  for (size_t i = 0; i < runs; ++i) {
    run(fuzz::mutate(seeds, random));
  }
  std::printf("%zu of %zu seeds and %zu of %zu mutations parse\n", takenSeeds, seeds.size(),
              fuzz::acceptedInputs - takenSeeds, runs);
  return 0;
}
