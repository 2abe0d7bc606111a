//===- Hash.h - a fast 128-bit hash of bytes --------------------*- C++ -*-===//
//
// MurmurHash3_x64_128 with seed 0 (Austin Appleby, public domain; the final value
// is that of the reference implementation), fed in pieces of any size. It names
// checkpoints and checks the files of a bundle: it finds accidents, several GB a
// second. It is no defence against someone who forges a file on purpose.
// Stable: a change of these values changes every stored identity. Standard library only.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace dsv3 {

/// A hash value, `first` being h1 of the reference implementation.
struct Hash128 {
  uint64_t first = 0;
  uint64_t second = 0;

  friend bool operator==(const Hash128 &, const Hash128 &) = default;

  /// 32 lower-case hexadecimal digits, `first` before `second`.
  std::string hex() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (uint64_t word : {first, second}) {
      for (int shift = 60; shift >= 0; shift -= 4) {
        text += digits[(word >> shift) & 15];
      }
    }
    return text;
  }
};

/// Hashes a stream of bytes. Not shared between threads.
class Hasher128 {
public:
  /// Appends `data`. How a stream is cut into pieces does not change its hash.
  void update(std::span<const std::byte> data) {
    length += data.size();
    if (pending > 0) {
      size_t taken = std::min(blockBytes - pending, data.size());
      std::memcpy(buffer.data() + pending, data.data(), taken);
      pending += taken;
      data = data.subspan(taken);
      if (pending < blockBytes) {
        return;
      }
      mixBlock(buffer.data());
      pending = 0;
    }
    while (data.size() >= blockBytes) {
      mixBlock(data.data());
      data = data.subspan(blockBytes);
    }
    if (!data.empty()) {
      std::memcpy(buffer.data(), data.data(), data.size());
      pending = data.size();
    }
  }
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
  /// Appends the eight bytes of `number`, least significant first.
  void update(uint64_t number) {
    std::array<std::byte, 8> bytes;
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = std::byte(number >> (8 * i));
    }
    update(bytes);
  }

  /// The hash of all bytes so far; more may be appended afterwards.
  Hash128 finish() const {
    uint64_t h1 = state1, h2 = state2;
    if (pending > 0) {
      std::array<std::byte, blockBytes> tail{};
      std::memcpy(tail.data(), buffer.data(), pending);
      h2 ^= scramble2(word(tail.data() + 8));
      h1 ^= scramble1(word(tail.data()));
    }
    h1 ^= length;
    h2 ^= length;
    h1 += h2;
    h2 += h1;
    h1 = finalMix(h1);
    h2 = finalMix(h2);
    h1 += h2;
    h2 += h1;
    return {h1, h2};
  }

private:
  static constexpr size_t blockBytes = 16;
  static constexpr uint64_t c1 = 0x87C37B91114253D5U, c2 = 0x4CF5AD432745937FU;

  static uint64_t word(const std::byte *bytes) {
    static_assert(std::endian::native == std::endian::little);
    uint64_t value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  // A word of zeros scrambles to zero, so a short tail may be padded with zeros.
  static uint64_t scramble1(uint64_t k) { return std::rotl(k * c1, 31) * c2; }
  static uint64_t scramble2(uint64_t k) { return std::rotl(k * c2, 33) * c1; }
  static uint64_t finalMix(uint64_t k) {
    k ^= k >> 33;
    k *= 0xFF51AFD7ED558CCDU;
    k ^= k >> 33;
    k *= 0xC4CEB9FE1A85EC53U;
    return k ^ k >> 33;
  }
  void mixBlock(const std::byte *block) {
    state1 ^= scramble1(word(block));
    state1 = (std::rotl(state1, 27) + state2) * 5 + 0x52DCE729;
    state2 ^= scramble2(word(block + 8));
    state2 = (std::rotl(state2, 31) + state1) * 5 + 0x38495AB5;
  }

  uint64_t state1 = 0, state2 = 0, length = 0;
  size_t pending = 0; ///< bytes that wait in `buffer`
  std::array<std::byte, blockBytes> buffer{};
};

/// The hash of `data` at once.
inline Hash128 hash128(std::span<const std::byte> data) {
  Hasher128 hasher;
  hasher.update(data);
  return hasher.finish();
}
inline Hash128 hash128(std::string_view text) { return hash128(std::as_bytes(std::span(text))); }

} // namespace dsv3
