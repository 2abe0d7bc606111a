//===- CommandLine.h - what all command lines share -------------*- C++ -*-===//
#pragma once

#include <CLI/CLI.hpp>

namespace dsv3::cli {

/// Says on stderr what is wrong with a command line and whose --help tells more. The exit
/// code. Where help is asked for instead, that is printed.
int endParsing(const CLI::App &app, const CLI::ParseError &error);

/// Seeds: whole numbers from 0 to 2^64 - 1. CLI11 alone takes -1 for the largest.
CLI::Validator seedRange();
/// Threads: as many as may be of use here, or a few times that; 0 for the runtime's choice.
CLI::Validator threadRange();

} // namespace dsv3::cli
