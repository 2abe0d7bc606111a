//===- CommandLine.h - what all command lines share -------------*- C++ -*-===//
#pragma once

#include "dsv3/Support/Status.h"

#include <CLI/CLI.hpp>

namespace dsv3::cli {

/// Adds --version.
void addVersion(CLI::App &app);
/// Refuses empty values of all options that are there by now, but for texts, which may be
/// empty: a prompt, a user's message; and numbers that are not decimal.
void refuseSenselessValues(CLI::App &app);

/// From a command's callback: its flags do not go together. Does nothing if they do.
void refuseUsage(const Status &status);
/// Says on stderr what is wrong with a command line and whose --help tells more. The exit
/// code. Where help or the version is asked for instead, that is printed.
int endParsing(const CLI::App &app, const CLI::ParseError &error);

/// Numbers from `least` to `most`, which may be infinite; the number itself may not.
/// CLI::Range lets NaN pass.
CLI::Validator finiteRange(double least, double most);
/// Whole numbers of 0 and more.
CLI::Validator countRange();
/// Seeds: whole numbers from 0 to 2^64 - 1. CLI11 alone takes -1 for the largest.
CLI::Validator seedRange();
/// Threads: as many as may be of use here, or a few times that; 0 for the runtime's choice.
CLI::Validator threadRange();

} // namespace dsv3::cli
