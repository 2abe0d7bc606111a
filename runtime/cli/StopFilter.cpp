//===- StopFilter.cpp - text up to a stop text ----------------------------===//
#include "runtime/cli/StopFilter.h"

#include <algorithm>
#include <utility>

namespace dsv3::cli {

StopFilter::StopFilter(std::vector<std::string> stops) : stops(std::move(stops)) {
  std::erase(this->stops, "");
}

/// The length of the longest end of `text` that begins `stop`.
static size_t begunAtEnd(std::string_view text, std::string_view stop) {
  size_t length = std::min(text.size(), stop.size() - 1);
  while (!stop.starts_with(text.substr(text.size() - length))) {
    --length;
  }
  return length;
}

std::string StopFilter::push(std::string_view text) {
  if (found) {
    return "";
  }
  pending += text;
  size_t end = std::string::npos, held = 0;
  for (const std::string &stop : stops) {
    end = std::min(end, pending.find(stop));
    held = std::max(held, begunAtEnd(pending, stop));
  }
  if (end != std::string::npos) {
    found = true;
    pending.resize(end);
    return std::exchange(pending, "");
  }
  std::string shown = pending.substr(0, pending.size() - held);
  pending.erase(0, shown.size());
  return shown;
}

std::string StopFilter::finish() { return std::exchange(pending, ""); }

} // namespace dsv3::cli
