//===- Run.h - the command line of dsv3-run ---------------------*- C++ -*-===//
#pragma once

namespace dsv3::cli {

/// Runs a command line. Returns the exit code: 0; 1 after a failure, 2 for a command
/// line that makes no sense, both said on stderr; 130 if interrupted.
int run(int argc, char **argv);

} // namespace dsv3::cli
