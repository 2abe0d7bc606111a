//===- ToolMain.cpp - what every compiler tool does around its work -------===//
#include "ToolMain.h"

#include "dsv3/Support/Guard.h"
#include "dsv3/Support/StandardStreams.h"

#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <cstring>
#include <unistd.h>

namespace dsv3 {

static const char *runningProgram = "dsv3";

/// Ends the process where LLVM would abort. LLVM is built without exceptions and runs
/// passes on threads: nothing can be unwound. What a compile left goes with the next one.
static void endSaying(const char *reason) {
  for (const char *text : {runningProgram, ": ", reason, "\n"}) {
    [[maybe_unused]] ssize_t count = write(STDERR_FILENO, text, std::strlen(text));
  }
  _exit(1);
}
static void endWithoutMemory(void *, const char *, bool) { endSaying(noMemory); }
static void endFatally(void *, const char *reason, bool) { endSaying(reason); }

int toolMain(const char *program, int argc, char **argv, const std::function<int()> &work) {
  holdStandardStreams();
  llvm::InitLLVM init(argc, argv);
  std::signal(SIGXFSZ, SIG_IGN); // LLVM takes it for a crash; the write fails and says so
  runningProgram = program;
  llvm::install_bad_alloc_error_handler(endWithoutMemory);
  llvm::install_fatal_error_handler(endFatally);
  int code = 1;
  Status done = guarded([&]() -> Status {
    code = work();
    return {};
  });
  llvm::remove_fatal_error_handler();
  llvm::remove_bad_alloc_error_handler();
  if (!done) {
    llvm::errs() << program << ": " << done.failure().message() << '\n';
    code = 1;
  }
  llvm::outs().flush();
  if (std::error_code lost = llvm::outs().error()) {
    llvm::errs() << program << ": stdout cannot be written: " << lost.message() << '\n';
    llvm::outs().clear_error();
    code = 1;
  }
  // What could not be said on stderr is lost, but the work is done. LLVM would abort.
  llvm::errs().clear_error();
  return code;
}

} // namespace dsv3
