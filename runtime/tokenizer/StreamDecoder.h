//===- StreamDecoder.h - text as tokens arrive ------------------*- C++ -*-===//
//
// Tokens can end within a character. This decoder holds such bytes back until
// they are complete or known to be broken, so that all that it returns, joined,
// is what Tokenizer::decode gives for all tokens at once.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/tokenizer/Tokenizer.h"

#include <string>

namespace dsv3::text {

/// One stream of tokens; not shared between threads. The tokenizer must outlive
/// it.
class StreamDecoder {
public:
  StreamDecoder(const Tokenizer &tokenizer, bool skipSpecial)
      : tokenizer(&tokenizer), skipSpecial(skipSpecial) {}

  /// The text that `id` completes; may be empty.
  std::string push(TokenId id);
  /// What is still held back, as U+FFFD; the decoder can then be used again.
  std::string finish();

private:
  const Tokenizer *tokenizer;
  bool skipSpecial;
  /// The beginning of a character, at most three bytes between calls.
  std::string pending;
};

} // namespace dsv3::text
