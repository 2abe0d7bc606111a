//===- PackedHeader.cpp - what a file of packed weights says of itself ----===//
#include "runtime/params/PackedHeader.h"

#include <algorithm>
#include <cassert>
#include <optional>

namespace dsv3::runtime {

static constexpr std::string_view magic = "DSV3PACK";
/// Magic, version, bytes of the header and of the weights.
static constexpr size_t prefixBytes = 8 + 4 + 8 + 8, checksumBytes = 16;

static void put(std::string &bytes, uint64_t value, size_t count = sizeof(uint64_t)) {
  for (size_t i = 0; i < count; ++i) {
    bytes.push_back(char(uint8_t(value >> (8 * i))));
  }
}

static void put(std::string &bytes, std::string_view text) {
  put(bytes, uint64_t(text.size()));
  bytes += text;
}

static void put(std::string &bytes, const Hash128 &hash) {
  put(bytes, hash.first);
  put(bytes, hash.second);
}

static std::string checksumOf(std::string_view bytes) {
  std::string text;
  put(text, hash128(bytes));
  return text;
}

/// What lies between prefix and checksums.
static std::string fieldsOf(const PackedHeader &header) {
  std::string rest;
  for (const std::string &text : {header.plan, header.variant, header.source, header.calibration}) {
    put(rest, std::string_view(text));
  }
  put(rest, uint64_t(header.files.size()));
  for (const PackedSourceFile &file : header.files) {
    put(rest, std::string_view(file.name));
    put(rest, file.bytes);
    put(rest, uint64_t(file.changed));
  }
  return rest;
}

static uint64_t headerBytes(const PackedHeader &header) {
  return prefixBytes + fieldsOf(header).size() +
         (packedPieces(header.dataBytes) + 1) * checksumBytes;
}

Status fitsBeforeWeights(const PackedHeader &header) {
  uint64_t total = headerBytes(header);
  if (total <= packedDataOffset) {
    return {};
  }
  return Failure{"the names of the checkpoint's " + std::to_string(header.files.size()) +
                 " files and the checksums of " + std::to_string(header.dataBytes) +
                 " bytes of weights need " + std::to_string(total) + " bytes, at most " +
                 std::to_string(packedDataOffset) + " can be kept beside packed weights"};
}

Expected<std::string> serialise(const PackedHeader &header) {
  assert(header.checksums.size() == packedPieces(header.dataBytes) && "a checksum a piece");
  if (Status fits = fitsBeforeWeights(header); !fits) {
    return fits;
  }
  std::string bytes(magic);
  put(bytes, packedFormatVersion, sizeof packedFormatVersion);
  put(bytes, headerBytes(header));
  put(bytes, header.dataBytes);
  bytes += fieldsOf(header);
  for (const Hash128 &checksum : header.checksums) {
    put(bytes, checksum);
  }
  return bytes + checksumOf(bytes);
}

namespace {
/// Takes values off the front; nothing once the bytes are too few.
class Reader {
public:
  explicit Reader(std::string_view bytes) : rest(bytes) {}

  std::optional<uint64_t> number(size_t count = sizeof(uint64_t)) {
    if (rest.size() < count) {
      return std::nullopt;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < count; ++i) {
      value |= uint64_t(uint8_t(rest[i])) << (8 * i);
    }
    rest.remove_prefix(count);
    return value;
  }
  bool text(std::string &to) {
    std::optional<uint64_t> size = number();
    if (!size || *size > rest.size()) {
      return false;
    }
    to = rest.substr(0, size_t(*size));
    rest.remove_prefix(size_t(*size));
    return true;
  }
  bool file(PackedSourceFile &to) {
    bool named = text(to.name);
    std::optional<uint64_t> bytes = number(), changed = number();
    to.bytes = bytes.value_or(0), to.changed = int64_t(changed.value_or(0));
    return named && changed;
  }
  bool hash(Hash128 &to) {
    std::optional<uint64_t> first = number(), second = number();
    to = {first.value_or(0), second.value_or(0)};
    return second.has_value();
  }
  size_t size() const { return rest.size(); }

private:
  std::string_view rest;
};
} // namespace

/// What lies between prefix and the header's checksum.
static bool readFields(Reader reader, PackedHeader &header) {
  if (!reader.text(header.plan) || !reader.text(header.variant) || !reader.text(header.source) ||
      !reader.text(header.calibration)) {
    return false;
  }
  // A count is believed as far as there are bytes: each file takes some.
  std::optional<uint64_t> count = reader.number();
  for (uint64_t i = 0; count && i < *count; ++i) {
    if (!reader.file(header.files.emplace_back())) {
      return false;
    }
  }
  uint64_t pieces = packedPieces(header.dataBytes);
  if (!count || reader.size() % checksumBytes != 0 || reader.size() / checksumBytes != pieces) {
    return false;
  }
  header.checksums.resize(size_t(pieces));
  return std::ranges::all_of(header.checksums, [&](Hash128 &hash) { return reader.hash(hash); });
}

Expected<PackedHeader> parsePackedHeader(std::string_view bytes, uint64_t fileBytes) {
  if (!bytes.starts_with(magic.substr(0, bytes.size()))) {
    return Failure{"expected packed weights, found something else"};
  }
  Failure cutOff{"the file is cut off"};
  if (bytes.size() < prefixBytes) {
    return cutOff;
  }
  Reader reader(bytes.substr(magic.size()));
  auto version = *reader.number(sizeof packedFormatVersion);
  if (version != packedFormatVersion) {
    return Failure{"expected format version " + std::to_string(packedFormatVersion) +
                   ", found version " + std::to_string(version)};
  }
  uint64_t headerBytes = *reader.number();
  PackedHeader header;
  header.dataBytes = *reader.number();
  Failure damaged{"the header is damaged"};
  if (headerBytes < prefixBytes + checksumBytes || headerBytes > packedDataOffset) {
    return damaged;
  }
  if (headerBytes > bytes.size()) {
    return cutOff;
  }
  std::string_view checked = bytes.substr(0, size_t(headerBytes) - checksumBytes);
  if (bytes.substr(checked.size(), checksumBytes) != checksumOf(checked) ||
      !readFields(Reader(checked.substr(prefixBytes)), header)) {
    return damaged;
  }
  if (fileBytes < packedDataOffset || fileBytes - packedDataOffset != header.dataBytes) {
    return Failure{"the header claims " + std::to_string(header.dataBytes) +
                   " bytes of weights, the file has " + std::to_string(fileBytes) + " in all"};
  }
  return header;
}

static std::string otherThan(const std::string &what, const std::string &found,
                             const std::string &wanted) {
  return found == wanted ? "" : "they are of another " + what + " (" + found + ") than " + wanted;
}

static std::string otherCalibration(const std::string &found, const std::string &wanted) {
  if (found == wanted) {
    return "";
  }
  return found.empty()    ? "they were packed without --calibration"
         : wanted.empty() ? "they were packed with --calibration"
                          : "they were calibrated with another text";
}

static std::string difference(const PackedSourceFile &found, const PackedSourceFile &wanted) {
  if (found.name != wanted.name) {
    return "the checkpoint had a file " + found.name + " in the place of " + wanted.name;
  }
  if (found.bytes != wanted.bytes) {
    return wanted.name + " had " + std::to_string(found.bytes) +
           " bytes when they were packed, now " + std::to_string(wanted.bytes);
  }
  return found == wanted ? "" : wanted.name + " was changed after they were packed";
}

std::string difference(const PackedHeader &found, const PackedHeader &wanted) {
  for (const std::string &text : {otherThan("plan", found.plan, wanted.plan),
                                  otherThan("variant", found.variant, wanted.variant),
                                  otherThan("source", found.source, wanted.source),
                                  otherCalibration(found.calibration, wanted.calibration),
                                  otherThan("number of files", std::to_string(found.files.size()),
                                            std::to_string(wanted.files.size()))}) {
    if (!text.empty()) {
      return text;
    }
  }
  for (size_t i = 0; i < found.files.size(); ++i) {
    if (std::string text = difference(found.files[i], wanted.files[i]); !text.empty()) {
      return text;
    }
  }
  return otherThan("size", std::to_string(found.dataBytes), std::to_string(wanted.dataBytes));
}

} // namespace dsv3::runtime
