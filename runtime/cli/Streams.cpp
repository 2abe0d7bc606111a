//===- Streams.cpp - what a command reads and says ------------------------===//
#include "runtime/cli/Streams.h"

#include "dsv3/Support/Excerpt.h"
#include "dsv3/Support/File.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace dsv3::cli {

Status writeOutput(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes.remove_prefix(size_t(count));
    } else if (errno != EINTR) {
      return Failure{std::string("cannot write: ") + std::strerror(errno), "stdout"};
    }
  }
  return {};
}

void say(const std::string &line) {
  std::string whole = line + "\n";
  std::fwrite(whole.data(), 1, whole.size(), stderr); // it may hold a NUL
}

Expected<std::vector<int32_t>> parseIds(std::string_view text, const std::string &where) {
  std::string_view all = text;
  constexpr std::string_view between = " \t\r\n,";
  auto trim = [&](std::string_view white) {
    text.remove_prefix(std::min(text.find_first_not_of(white), text.size()));
    text = text.substr(0, text.find_last_not_of(white) + 1);
  };
  trim(" \t\r\n");
  if (text.starts_with('[') && text.ends_with(']')) {
    text = text.substr(1, text.size() - 2);
  }
  std::vector<int32_t> ids;
  for (trim(between); !text.empty(); trim(between)) {
    int32_t id = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    auto length = size_t(end - text.data());
    bool ends = length == text.size() || between.find(text[length]) != std::string_view::npos;
    if (error != std::errc() || id < 0 || !ends) {
      auto line = std::ranges::count(all.substr(0, size_t(text.data() - all.data())), '\n') + 1;
      return Failure{"expected token ids like 0,5,7, found '" +
                         excerpt(text.substr(0, text.find_first_of(between))) + "'",
                     where + ", line " + std::to_string(line) + ", token " +
                         std::to_string(ids.size() + 1)};
    }
    ids.push_back(id);
    text.remove_prefix(length);
  }
  return ids;
}

Expected<std::vector<int32_t>> idsOfFlag(std::string_view value, const std::string &flag) {
  if (!value.starts_with('@')) {
    return parseIds(value, flag);
  }
  std::string path(value.substr(1));
  Expected<std::string> text = readInput(path);
  if (!text) {
    Failure failure = text.failure();
    failure.where = flag + " @" + path;
    return failure;
  }
  return parseIds(*text, path == "-" ? "stdin" : path);
}

std::string idsText(std::span<const int32_t> ids) {
  std::string text;
  for (int32_t id : ids) {
    text += (text.empty() ? "" : ",") + std::to_string(id);
  }
  return text;
}

} // namespace dsv3::cli
