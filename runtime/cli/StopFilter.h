//===- StopFilter.h - text up to a stop text --------------------*- C++ -*-===//
//
// Passes text on as it arrives, but never a stop text nor the beginning of one that may
// still become whole.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dsv3::cli {

/// One stream of text. A value type.
class StopFilter {
public:
  /// Empty stop texts are ignored.
  explicit StopFilter(std::vector<std::string> stops);

  /// Takes the next piece; returns what can be shown now. Once a stop text is there, what
  /// stands before it was returned and nothing more comes.
  std::string push(std::string_view text);
  /// What was held back, at the end of the text.
  std::string finish();
  bool stopped() const { return found; }

private:
  std::vector<std::string> stops;
  std::string pending;
  bool found = false;
};

} // namespace dsv3::cli
