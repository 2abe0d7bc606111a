//===- CommandLine.cpp - what all command lines share ---------------------===//
#include "runtime/cli/CommandLine.h"

#include "dsv3/Support/CommandLine.h"
#include "dsv3/Support/Cpus.h"
#include "runtime/cli/Streams.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace dsv3::cli {

void addVersion(CLI::App &app) {
  app.set_version_flag("--version", versionText(app.get_name()), "print the version");
}

/// What is wrong with a command line. CLI11 does not name the commands that there are.
static std::string problemOf(const CLI::App &app, const CLI::ParseError &error) {
  if (std::vector<CLI::App *> given = app.get_subcommands(); !given.empty()) {
    return problemOf(*given.front(), error);
  }
  std::string known;
  for (const CLI::App *command : app.get_subcommands([](const CLI::App *part) {
         return !part->get_name().empty(); // groups of options have none
       })) {
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  if (known.empty()) {
    return error.what();
  }
  std::vector<std::string> words = app.remaining();
  return words.empty() ? "expected a command: " + known
                       : "expected a command (" + known + "), found '" + words.front() + "'";
}

void refuseSenselessValues(CLI::App &app) {
  for (CLI::Option *option : app.get_options()) {
    bool text = option->check_name("--prompt") || option->check_name("--chat");
    if (option->get_type_size() > 0 && !text) {
      option->check(refuseEmpty);
    }
    if (isNumberType(option->get_type_name())) {
      option->check(refuseOtherBase);
    }
  }
  for (CLI::App *part : app.get_subcommands([](CLI::App *) { return true; })) {
    refuseSenselessValues(*part);
  }
}

void refuseUsage(const Status &status) {
  if (!status) {
    throw CLI::ParseError(status.failure().message(), exitUsage);
  }
}

int endParsing(const CLI::App &app, const CLI::ParseError &error) {
  const std::string &program = app.get_name();
  if (error.get_exit_code() == int(CLI::ExitCodes::Success)) {
    std::ostringstream text; // of --help or --version
    app.exit(error, text);
    Status written = writeOutput(text.str());
    if (!written) {
      std::fprintf(stderr, "%s: %s\n", program.c_str(), written.failure().message().c_str());
    }
    return written ? 0 : exitFailure;
  }
  std::string help = program;
  for (const CLI::App *command : app.get_subcommands()) {
    help += " " + command->get_name();
  }
  std::string problem = problemOf(app, error);
  if (problem.find("\n  hint: ") == std::string::npos) {
    problem += "\n  hint: " + help + " --help";
  }
  say(program + ": " + problem);
  return exitUsage;
}

/// Whether `text` is nothing but a number from 0 to `most`.
static bool isNumber(const std::string &text, uint64_t most) {
  uint64_t number = 0;
  const char *last = text.data() + text.size();
  auto [end, error] = std::from_chars(text.data(), last, number);
  return error == std::errc() && end == last && number <= most;
}

CLI::Validator finiteRange(double least, double most) {
  bool bounded = std::isfinite(most);
  std::string range = bounded
                          ? CLI::detail::to_string(least) + " to " + CLI::detail::to_string(most)
                          : CLI::detail::to_string(least) + " or more";
  auto check = [=](const std::string &text) {
    double number = 0;
    bool sound = CLI::detail::lexical_cast(text, number) && std::isfinite(number) &&
                 number >= least && number <= most;
    return sound ? std::string() : "expected a number, " + range + ", found '" + text + "'";
  };
  return {check, range};
}

CLI::Validator countRange() {
  auto check = [](const std::string &text) {
    return isNumber(text, INT64_MAX) ? std::string()
                                     : "expected a whole number of 0 or more, found '" + text + "'";
  };
  return {check, "0 or more"};
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
