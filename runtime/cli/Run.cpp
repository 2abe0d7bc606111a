//===- Run.cpp - the command line of dsv3-run -----------------------------===//
#include "runtime/cli/Run.h"

#include "dsv3/Support/CommandLine.h"
#include "dsv3/Support/Guard.h"
#include "dsv3/Support/StandardStreams.h"
#include "runtime/base/MappedFault.h"
#include "runtime/cli/CommandLine.h"
#include "runtime/cli/Commands.h"
#include "runtime/cli/Interrupt.h"
#include "runtime/cli/Streams.h"

#include <csignal>

namespace dsv3::cli {

static constexpr const char *about =
    "dsv3-run: models of the DeepSeek-V3 family on this machine\n\n"
    "Takes a checkpoint directory as Hugging Face publishes it, which it has dsv3-compile\n"
    "compile into a cache the first time, or a bundle that dsv3-compile made. Answers go to\n"
    "stdout, everything else to stderr. It serves no network and trains nothing.\n\n"
    "example: dsv3-run generate --model models/nano --chat 'What is the capital of France?'\n";

int run(int argc, char **argv) {
  holdStandardStreams();
  // A reader that goes away ends the program without a word, as with other filters.
  std::signal(SIGPIPE, SIG_DFL);
  // A parent that ignores it hands that on, and how a program of ours ended would be lost.
  std::signal(SIGCHLD, SIG_DFL);
  std::signal(SIGXFSZ, SIG_IGN); // a file beyond ulimit -f: the write fails and says so
  runtime::explainMappedFaults("dsv3-run");
  CLI::App app(about, "dsv3-run");
  app.require_subcommand(1);
  addVersion(app);
  Command command;
  addGenerate(app, command);
  addScore(app, command);
  addTokenize(app, command);
  addDetokenize(app, command);
  addRender(app, command);
  addCompare(app, command);
  addBench(app, command);
  addProfile(app, command);
  addCheckKernels(app, command);
  addCache(app, command);
  refuseSenselessValues(app);
  try {
    app.parse(wordsForCli11(argc, argv));
  } catch (const CLI::ParseError &error) {
    return endParsing(app, error);
  }
  Status status = guarded(command);
  if (int signal = interruption()) {
    return 128 + signal; // as of a process that the signal ended
  }
  if (!status) {
    say("dsv3-run: " + status.failure().message());
    return exitFailure;
  }
  return 0;
}

} // namespace dsv3::cli
