//===- Text.cpp - a string that remembers who wrote it --------------------===//

#include "runtime/template/Text.h"

#include <algorithm>

namespace dsv3::text::jinja {

void Text::append(std::string_view more, bool trusted) {
  if (more.empty()) {
    return;
  }
  bytes += more;
  if (!runs.empty() && runs.back().trusted == trusted) {
    runs.back().end = bytes.size();
  } else {
    runs.push_back({bytes.size(), trusted});
  }
}

void Text::append(const Text &more) { append(more, 0, more.size()); }

void Text::append(const Text &more, size_t begin, size_t end) {
  if (begin >= end) {
    return;
  }
  if (&more == this) {
    Text copy = more;
    return append(copy, begin, end);
  }
  for (size_t run = more.runOf(begin); begin < end; ++run) {
    size_t stop = std::min(end, more.runs[run].end);
    append(std::string_view(more.bytes).substr(begin, stop - begin), more.runs[run].trusted);
    begin = stop;
  }
}

Text Text::slice(size_t begin, size_t end) const {
  Text result;
  result.append(*this, begin, end);
  return result;
}

size_t Text::runOf(size_t at) const {
  return size_t(std::upper_bound(runs.begin(), runs.end(), at,
                                 [](size_t value, const Run &run) { return value < run.end; }) -
                runs.begin());
}

bool Text::trustedAt(size_t at) const { return runs[runOf(at)].trusted; }

std::vector<Segment> Text::segments() const {
  std::vector<Segment> result;
  size_t begin = 0;
  for (const Run &run : runs) {
    result.push_back({bytes.substr(begin, run.end - begin), run.trusted});
    begin = run.end;
  }
  return result;
}

} // namespace dsv3::text::jinja
