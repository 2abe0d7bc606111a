//===- Commands.h - the subcommands of dsv3-run -----------------*- C++ -*-===//
//
// Each function adds one subcommand with its flags. What the chosen one does is put
// into `chosen` while the command line is parsed, and run afterwards.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "dsv3/Support/Status.h"

#include <functional>

namespace CLI {
class App;
} // namespace CLI

namespace dsv3::cli {

using Command = std::function<Status()>;

void addGenerate(CLI::App &app, Command &chosen);
void addScore(CLI::App &app, Command &chosen);
void addTokenize(CLI::App &app, Command &chosen);
void addDetokenize(CLI::App &app, Command &chosen);
void addBench(CLI::App &app, Command &chosen);
void addProfile(CLI::App &app, Command &chosen);
void addCompare(CLI::App &app, Command &chosen);
void addRender(CLI::App &app, Command &chosen);
void addCheckKernels(CLI::App &app, Command &chosen);
void addCache(CLI::App &app, Command &chosen);

} // namespace dsv3::cli
