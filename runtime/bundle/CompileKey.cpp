//===- CompileKey.cpp - what a compiled bundle depends on -----------------===//
#include "runtime/bundle/CompileKey.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"

#include <system_error>
#include <utility>

namespace dsv3::runtime {

/// So that what lies between options is known from what they hold.
static std::string escaped(const std::string &option) {
  std::string text = option.empty() ? "\\e" : "";
  for (char c : option) {
    text += c == ' ' || c == '\\' ? "\\" : "";
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text;
}

CompileKey CompileKey::of(const CompileRequest &request, const std::filesystem::path &compiler) {
  std::error_code ignored;
  auto bytes = std::filesystem::file_size(compiler, ignored);
  // In ticks of the file system's clock.
  auto date = std::filesystem::last_write_time(compiler, ignored).time_since_epoch().count();
  std::string options;
  for (const std::string &option : request.options) {
    options += (options.empty() ? "" : " ") + escaped(option);
  }
  return {{request.inputFlag, request.identity, request.variant,
           std::to_string(plan::planFormatVersion) + " " + plan::familyTableHash(),
           std::to_string(bytes) + " " + std::to_string(date), options}};
}

std::string CompileKey::name() const {
  Hasher128 hasher;
  for (const std::string &part : parts) {
    hasher.update(uint64_t(part.size()));
    hasher.update(std::string_view(part));
  }
  return hasher.finish().hex();
}

std::string CompileKey::text() const {
  std::string lines;
  for (const std::string &part : parts) {
    lines += part + "\n";
  }
  return lines;
}

/// The text up to the end of its line, which is taken away; nothing if the line has no end.
static std::optional<std::string> takeLine(std::string_view &text) {
  size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  std::string line(text.substr(0, end));
  text.remove_prefix(end + 1);
  return line;
}

std::optional<CompileKey> CompileKey::parse(std::string_view text) {
  CompileKey key;
  for (std::string &part : key.parts) {
    std::optional<std::string> line = takeLine(text);
    if (!line) {
      return std::nullopt;
    }
    part = *std::move(line);
  }
  return text.empty() ? std::optional(std::move(key)) : std::nullopt;
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

/// Clauses that say how the other bundle was made.
static std::vector<std::string> differences(const CompileKey &key, const CompileKey &other) {
  const std::string &options = other.parts[CompileKey::Options];
  const std::array<std::string, CompileKey::partCount> clauses{
      "by " + other.parts[CompileKey::InputFlag],
      "from other contents",
      "for " + other.parts[CompileKey::Variant],
      "for another version of dsv3",
      "by another dsv3-compile",
      "with other options: " + (options.empty() ? "none" : options)};
  std::vector<std::string> found;
  for (size_t part = 0; part < CompileKey::partCount; ++part) {
    if (other.parts[part] != key.parts[part]) {
      found.push_back(clauses[part]);
    }
  }
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
    std::optional<std::string> input = takeLine(text);
    std::optional<CompileKey> other = CompileKey::parse(text);
    if (!other || other->name() != at->path().filename().string()) {
      continue; // another version's, or damaged
    }
    if (*input != wanted && other->parts[CompileKey::Identity] != key.parts[CompileKey::Identity]) {
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
