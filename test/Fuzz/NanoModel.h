//===- NanoModel.h - the tokenizer of models/nano ---------------*- C++ -*-===//
#pragma once

#include "Fuzz.h"

#include "runtime/tokenizer/Tokenizer.h"

namespace dsv3::fuzz {

/// Read once.
inline const text::Tokenizer &nanoTokenizer() {
  static const Expected<text::Tokenizer> tokenizer =
      text::Tokenizer::load(std::string(DSV3_SOURCE_DIR) + "/models/nano");
  require(tokenizer.ok(), "the tokenizer of models/nano");
  return *tokenizer;
}

} // namespace dsv3::fuzz
