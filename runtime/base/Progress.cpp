//===- Progress.cpp - how far a long job is -------------------------------===//

#include "runtime/base/Progress.h"

#include "dsv3/Support/BytesText.h"

#include <algorithm>
#include <cmath>
#include <unistd.h>

using namespace dsv3;
using namespace dsv3::runtime;

static constexpr Progress::Seconds silent{2.0};
/// Between two lines: on a terminal, and elsewhere.
static constexpr Progress::Seconds often{0.2}, seldom{5.0};

Progress::Progress(std::string label, std::FILE *stream, Amounts amounts)
    : label(std::move(label)), stream(stream), amounts(amounts),
      terminal(isatty(fileno(stream)) == 1), begin(std::chrono::steady_clock::now()), next(silent) {
}

Progress::~Progress() {
  if (lineOpen) {
    std::fputc('\n', stream);
  }
}

void Progress::update(uint64_t done, uint64_t total) {
  update(done, total, std::chrono::steady_clock::now() - begin);
}

void Progress::update(uint64_t done, uint64_t total, Seconds since) {
  bool last = done == total && next > silent;
  if (since < next && !last) {
    return;
  }
  next = since + (terminal ? often : seldom);
  // \x1b[K clears what a longer line left behind.
  std::fprintf(stream, terminal ? "\r%s\x1b[K" : "%s\n",
               line(done, total, since, terminal).c_str());
  lineOpen = terminal && !last;
  if (terminal && last) {
    std::fputc('\n', stream);
  }
  std::fflush(stream);
}

static std::string timeText(double seconds) {
  auto whole = int64_t(std::ceil(seconds));
  if (whole < 100) {
    return std::to_string(whole) + " s";
  }
  return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
}

std::string Progress::line(uint64_t done, uint64_t total, Seconds since, bool withBar) const {
  double share = total == 0 ? 1 : std::min(1.0, double(done) / double(total));
  std::string text = label + ' ';
  if (withBar) {
    constexpr int cells = 24;
    int full = int(share * cells);
    text += '[' + std::string(size_t(full), '=') + std::string(size_t(cells - full), ' ') + "] ";
  }
  text += std::to_string(int(share * 100)) + '%';
  if (amounts == Amounts::Bytes) {
    text += ", " + bytesText(done) + " of " + bytesText(total);
  }
  if (done > 0 && done < total) {
    text += ", " + timeText(since.count() * (1 / share - 1)) + " left";
  }
  return text;
}
