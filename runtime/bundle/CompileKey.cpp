//===- CompileKey.cpp - what a compiled bundle depends on -----------------===//
#include "runtime/bundle/CompileKey.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/File.h"
#include "dsv3/Support/Hash.h"

#include <system_error>
#include <utility>

namespace dsv3::runtime {

/// In one line, so that none is taken for another; characters of `separators` are told from what
/// lies between.
static std::string escaped(const std::string &part, const std::string &separators) {
  std::string text;
  for (char c : part) {
    text += c == '\\' || separators.find(c) != separators.npos ? "\\" : "";
    text += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return text;
}

/// Where the input lies.
static std::string inputOf(const CompileRequest &request) {
  std::error_code failed;
  std::filesystem::path whole = std::filesystem::absolute(request.input, failed);
  whole = failed ? whole : std::filesystem::weakly_canonical(whole, failed);
  return (failed ? request.input : whole).string();
}

CompileKey CompileKey::of(const CompileRequest &request, const std::filesystem::path &compiler) {
  std::error_code ignored;
  auto bytes = std::filesystem::file_size(compiler, ignored);
  // In ticks of the file system's clock.
  auto date = std::filesystem::last_write_time(compiler, ignored).time_since_epoch().count();
  std::string options;
  for (const std::string &option : request.options) {
    options += (options.empty() ? "" : " ") + (option.empty() ? "\\e" : escaped(option, " "));
  }
  return {{escaped(inputOf(request), ""), request.inputFlag, request.identity, request.variant,
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

std::optional<CompileKey> readCompileKey(const std::filesystem::path &bundle) {
  constexpr size_t mostBytes = size_t(1) << 20;
  Expected<std::string> text = readFile(bundle / compileKeyFile, mostBytes);
  std::optional<CompileKey> key = text ? CompileKey::parse(*text) : std::nullopt;
  return key && key->name() == bundle.filename().string() ? key : std::nullopt;
}

/// Clauses that say how the other bundle was made.
static std::vector<std::string> differences(const CompileKey &key, const CompileKey &other) {
  const std::string &options = other.parts[CompileKey::Options];
  const std::array<std::string, CompileKey::partCount> clauses{
      "from " + other.parts[CompileKey::Input],
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

std::string whyCompiled(const std::filesystem::path &cache, const CompileKey &key) {
  std::vector<std::string> least;
  std::error_code error;
  for (std::filesystem::directory_iterator at(cache, error), end; !error && at != end;
       at.increment(error)) {
    std::optional<CompileKey> other = readCompileKey(at->path());
    auto sharesPart = [&](CompileKey::Part part) { return other->parts[part] == key.parts[part]; };
    if (!other || !(sharesPart(CompileKey::Input) || sharesPart(CompileKey::Identity))) {
      continue; // no bundle, another version's, or of another model
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
