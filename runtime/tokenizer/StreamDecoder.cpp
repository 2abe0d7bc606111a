//===- StreamDecoder.cpp - text as tokens arrive --------------------------===//

#include "runtime/tokenizer/StreamDecoder.h"

#include "runtime/tokenizer/Utf8.h"

#include <utility>

namespace dsv3::text {

std::string StreamDecoder::push(TokenId id) {
  if (skipSpecial && tokenizer->isSpecial(id)) {
    return {};
  }
  pending += tokenizer->bytesOf(id);
  // Only the last three bytes can be the beginning of a character.
  size_t keep = pending.size();
  for (size_t back = 1; back <= 3 && back <= pending.size(); ++back) {
    std::string_view tail = std::string_view(pending).substr(pending.size() - back);
    if (uint8_t(tail[0]) >= 0xC0) {
      Utf8Step step = decodeUtf8(tail);
      keep = step.incomplete && step.length == back ? pending.size() - back : keep;
      break;
    }
  }
  std::string complete = replaceInvalidUtf8(std::string_view(pending).substr(0, keep));
  pending.erase(0, keep);
  return complete;
}

std::string StreamDecoder::finish() { return replaceInvalidUtf8(std::exchange(pending, {})); }

} // namespace dsv3::text
