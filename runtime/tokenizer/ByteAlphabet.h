//===- ByteAlphabet.h - the characters that stand for bytes -----*- C++ -*-===//
//
// Byte-level vocabularies are written with GPT-2's alphabet: each of the 256
// bytes has one printable character ("Ġ" is a space). Tokens are turned into
// bytes once, when the tokenizer is loaded.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dsv3::text {

/// The bytes that `token` stands for; nothing if it uses a character outside of
/// the alphabet.
std::optional<std::string> bytesOfToken(std::string_view token);

/// The character, as UTF-8, that stands for `byte`.
std::string characterOfByte(unsigned char byte);

} // namespace dsv3::text
