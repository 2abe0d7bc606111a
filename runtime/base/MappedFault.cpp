//===- MappedFault.cpp - mapped files that become shorter -----------------===//

#include "runtime/base/MappedFault.h"

#include "dsv3/Support/MappingNames.h"

#include <csignal>
#include <cstring>
#include <unistd.h>

using namespace dsv3;

static const char *runningProgram = "dsv3";

/// Calls only what a signal's handler may call.
static void explain(int signal, siginfo_t *info, void *) {
  if (info->si_code != BUS_ADRERR) { // sent by somebody, or the memory itself is broken
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  const char *file = mappingNameAt(info->si_addr);
  for (const char *text :
       {runningProgram, ": ", file ? file : "a mapped file",
        ": became shorter while it was in use, or its disk cannot be read\n"
        "  hint: let nobody write to it meanwhile. If it stays short, fetch it again; packed "
        "weights are made again once they are removed\n"}) {
    [[maybe_unused]] ssize_t count = write(STDERR_FILENO, text, std::strlen(text));
  }
  _exit(128 + signal);
}

void runtime::explainMappedFaults(const char *program) {
  runningProgram = program;
  struct sigaction action = {};
  action.sa_sigaction = explain;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGBUS, &action, nullptr);
}
