//===- CommandLine.cpp - what all command lines share ---------------------===//
#include "runtime/cli/CommandLine.h"

#include "dsv3/Support/Cpus.h"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>

namespace dsv3::cli {

int endParsing(const CLI::App &app, const CLI::ParseError &error) {
  if (error.get_exit_code() == int(CLI::ExitCodes::Success)) {
    return app.exit(error); // --help
  }
  const std::string &program = app.get_name();
  std::string help = program;
  for (const CLI::App *command : app.get_subcommands()) {
    help += " " + command->get_name();
  }
  std::fprintf(stderr, "%s: %s\n  hint: %s --help\n", program.c_str(), error.what(), help.c_str());
  return 2;
}

/// Whether `text` is nothing but a number from 0 to `most`.
static bool isNumber(const std::string &text, uint64_t most) {
  uint64_t number = 0;
  const char *last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc() && end == last && number <= most;
}

CLI::Validator seedRange() {
  auto check = [](std::string &text) {
    return isNumber(text, UINT64_MAX)
               ? std::string()
               : "expected a number from 0 to 2^64 - 1, found '" + text + "'";
  };
  return {check, "0 to 2^64 - 1"};
}

CLI::Validator threadRange() {
  constexpr size_t threadsPerCpu = 8;
  size_t cpus = allowedCpus().size(), most = threadsPerCpu * cpus;
  auto check = [cpus, most](std::string &text) {
    return isNumber(text, most) ? std::string()
                                : "expected 0 to " + std::to_string(most) + " threads, " +
                                      std::to_string(threadsPerCpu) + " for each of " +
                                      std::to_string(cpus) + " CPUs, found '" + text + "'";
  };
  return {check, "0 to " + std::to_string(most)};
}

} // namespace dsv3::cli
