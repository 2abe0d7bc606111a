//===- PackedFuzz.cpp - the header of packed weights ----------------------===//
//
// Reads the bytes as they are, and with checksum and file size mended, as an attacker
// would.
//
//===----------------------------------------------------------------------===//
#include "Fuzz.h"

#include "dsv3/Support/Hash.h"
#include "runtime/params/PackedHeader.h"

#include <cstring>
#include <string>

using namespace dsv3;
using namespace dsv3::runtime;

static void read(std::string_view bytes, uint64_t fileBytes) {
  Expected<PackedHeader> header = parsePackedHeader(bytes, fileBytes);
  if (!header) {
    fuzz::require(!header.failure().what.empty(), "a failure that says what is wrong");
    return;
  }
  ++fuzz::acceptedInputs;
  Expected<std::string> again = serialise(*header);
  fuzz::require(again.ok() && bytes.starts_with(*again), "a header that survives its bytes");
  fuzz::require(difference(*header, *header).empty(), "a header that equals itself");
  PackedHeader other = *header;
  ++other.dataBytes;
  fuzz::require(!difference(*header, other).empty(), "a difference that is named");
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  constexpr size_t lengthAt = 12, dataAt = 20, checksumBytes = sizeof(Hash128);
  std::string bytes(fuzz::textOf(data, size));
  read(bytes, size);
  if (size < dataAt + sizeof(uint64_t) + checksumBytes) {
    return 0;
  }
  uint64_t length = size, dataBytes = 0;
  std::memcpy(bytes.data() + lengthAt, &length, sizeof length);
  std::memcpy(&dataBytes, bytes.data() + dataAt, sizeof dataBytes);
  Hash128 hash = hash128(std::string_view(bytes).substr(0, size - checksumBytes));
  std::memcpy(bytes.data() + size - checksumBytes, &hash, sizeof hash);
  read(bytes, packedDataOffset + dataBytes);
  return 0;
}
