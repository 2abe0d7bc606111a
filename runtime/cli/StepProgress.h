//===- StepProgress.h - how far measuring is --------------------*- C++ -*-===//
#pragma once

#include "runtime/base/Progress.h"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace dsv3::cli {

/// A line of progress for each thing that is measured.
class StepProgress {
public:
  void update(std::string_view what, uint64_t done, uint64_t total) {
    if (!line || what != label) {
      line.reset();
      label = what;
      line.emplace(label, stderr, runtime::Progress::Amounts::Hidden);
    }
    line->update(done, total);
  }

private:
  std::string label;
  std::optional<runtime::Progress> line;
};

} // namespace dsv3::cli
