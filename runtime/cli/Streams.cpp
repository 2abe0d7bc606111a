//===- Streams.cpp - stdin and stdout of a command ------------------------===//
#include "runtime/cli/Streams.h"

#include "dsv3/Support/File.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace dsv3::cli {

/// All that an open file or pipe gives.
static Expected<std::string> readAll(int descriptor, const std::string &where) {
  std::string text;
  std::array<char, 1 << 16> piece;
  for (;;) {
    ssize_t count = read(descriptor, piece.data(), piece.size());
    if (count == 0) {
      return text;
    }
    if (count > 0) {
      text.append(piece.data(), size_t(count));
      if (text.size() > mostInputBytes) {
        return Failure{"expected at most " + std::to_string(mostInputBytes) + " bytes, found more",
                       where, "give it in pieces"};
      }
    } else if (errno != EINTR) {
      return Failure{std::string("cannot read: ") + std::strerror(errno), where};
    }
  }
}

Expected<std::string> readInput() { return readAll(STDIN_FILENO, "stdin"); }

/// A file, or what a pipe or terminal of that name gives.
static Expected<std::string> readFileOrPipe(const std::string &path) {
  std::error_code error;
  std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::is_fifo(status) && !std::filesystem::is_character_file(status)) {
    return readFile(path, mostInputBytes);
  }
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return Failure{std::string("cannot open: ") + std::strerror(errno), path};
  }
  Expected<std::string> text = readAll(descriptor, path);
  close(descriptor);
  return text;
}

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
                         std::string(text.substr(0, text.find_first_of(between))) + "'",
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
  Expected<std::string> text = path == "-" ? readInput() : readFileOrPipe(path);
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
