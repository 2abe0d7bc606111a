//===- CompileKey.cpp - what a compiled bundle depends on -----------------===//
#include "runtime/bundle/CompileKey.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

namespace dsv3::runtime {

CompileKey CompileKey::of(const CompileRequest &request, const std::filesystem::path &compiler) {
  CompileKey key;
  key.inputFlag = request.inputFlag;
  key.identity = request.identity;
  key.variant = request.variant;
  key.planFormat = plan::planFormatVersion;
  key.families = plan::familyTableHash();
  key.options = request.options;
  std::error_code ignored;
  key.compilerBytes = std::filesystem::file_size(compiler, ignored);
  key.compilerDate = std::filesystem::last_write_time(compiler, ignored).time_since_epoch().count();
  return key;
}

std::string CompileKey::name() const {
  Hasher128 hasher;
  auto add = [&](std::string_view text) {
    hasher.update(uint64_t(text.size()));
    hasher.update(text);
  };
  add(inputFlag);
  add(identity);
  add(variant);
  hasher.update(planFormat);
  add(families);
  hasher.update(compilerBytes);
  hasher.update(uint64_t(compilerDate));
  for (const std::string &option : options) {
    add(option);
  }
  return hasher.finish().hex();
}

/// A line each; the last ones are options.
std::string CompileKey::text() const {
  std::string lines;
  for (const std::string &part :
       {inputFlag, identity, variant, std::to_string(planFormat), families,
        std::to_string(compilerBytes), std::to_string(compilerDate)}) {
    lines += part + "\n";
  }
  for (const std::string &option : options) {
    lines += option + "\n";
  }
  return lines;
}

static std::string takeLine(std::string_view &text) {
  std::string line(text.substr(0, text.find('\n')));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

template <typename Number>
static Number takeNumber(std::string_view &text) {
  std::string line = takeLine(text);
  Number number = 0;
  std::from_chars(line.data(), line.data() + line.size(), number);
  return number;
}

std::optional<CompileKey> CompileKey::parse(std::string_view text, const std::string &name) {
  CompileKey key;
  for (std::string *part : {&key.inputFlag, &key.identity, &key.variant}) {
    *part = takeLine(text);
  }
  key.planFormat = takeNumber<uint64_t>(text);
  key.families = takeLine(text);
  key.compilerBytes = takeNumber<uint64_t>(text);
  key.compilerDate = takeNumber<int64_t>(text);
  while (!text.empty()) {
    key.options.push_back(takeLine(text));
  }
  return key.name() == name ? std::optional(std::move(key)) : std::nullopt;
}

/// However it was written, and whatever folder the process is in.
static std::string inputOf(const CompileRequest &request) {
  std::error_code failed;
  std::filesystem::path whole = std::filesystem::absolute(request.input, failed);
  return (failed ? request.input : whole).lexically_normal().string();
}

std::string compileKeyText(const CompileKey &key, const CompileRequest &request) {
  return inputOf(request) + "\n" + key.text();
}

static std::string listed(const std::vector<std::string> &options) {
  std::string text;
  for (const std::string &option : options) {
    text += " " + option;
  }
  return text.empty() ? " none" : text;
}

/// Clauses that say how the other bundle was made.
static std::vector<std::string> differences(const CompileKey &key, const CompileKey &other) {
  std::vector<std::string> found;
  auto add = [&](bool differs, const std::string &what) {
    if (differs) {
      found.push_back(what);
    }
  };
  add(other.inputFlag != key.inputFlag, "by " + other.inputFlag);
  add(other.identity != key.identity, "from other contents");
  add(other.variant != key.variant, "for " + other.variant);
  add(other.options != key.options, "with other options:" + listed(other.options));
  add(other.planFormat != key.planFormat || other.families != key.families,
      "for another version of dsv3");
  add(other.compilerBytes != key.compilerBytes || other.compilerDate != key.compilerDate,
      "by another dsv3-compile");
  return found;
}

std::string whyCompiled(const std::filesystem::path &cache, const CompileKey &key,
                        const CompileRequest &request) {
  std::vector<std::string> least;
  std::string wanted = inputOf(request);
  std::error_code error;
  for (std::filesystem::directory_iterator at(cache, error), end; !error && at != end;
       at.increment(error)) {
    constexpr size_t mostBytes = size_t(1) << 20;
    Expected<std::string> bytes = readFile(at->path() / compileKeyFile, mostBytes);
    if (!bytes) {
      continue; // no bundle, or an old one
    }
    std::string_view text = *bytes;
    std::string input = takeLine(text);
    std::optional<CompileKey> other = CompileKey::parse(text, at->path().filename().string());
    if (!other || (input != wanted && other->identity != key.identity)) {
      continue;
    }
    std::vector<std::string> found = differences(key, *other);
    if (found.empty()) {
      return ""; // it is there, and somebody says what is wrong with it
    }
    // Of equal ones the first in the order of words, not of the folder.
    if (least.empty() || std::pair(found.size(), found) < std::pair(least.size(), least)) {
      least = std::move(found);
    }
  }
  std::string text;
  for (const std::string &clause : least) {
    text += (text.empty() ? " (it was compiled " : " and ") + clause;
  }
  return text.empty() ? "" : text + ")";
}

} // namespace dsv3::runtime
