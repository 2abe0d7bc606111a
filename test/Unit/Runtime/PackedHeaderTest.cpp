//===- PackedHeaderTest.cpp - what packed weights say of themselves -------===//

#include "runtime/params/PackedHeader.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace dsv3;
using namespace dsv3::runtime;

static PackedHeader someHeader() {
  return {.plan = "0123456789abcdef",
          .variant = "x86-64-v4",
          .source = "checkpoint 77",
          .calibration = "",
          .files = {{"a.safetensors", 1000, -1}, {"b.safetensors", 0, 1'700'000'000'123'456'789}},
          .dataBytes = 4096,
          .checksums = {{77, 99}}};
}
static constexpr uint64_t fileBytes = packedDataOffset + 4096;

static std::string bytesOf(const PackedHeader &header) {
  Expected<std::string> bytes = serialise(header);
  return bytes ? *bytes : "";
}

static std::string refusal(std::string_view bytes, uint64_t size = fileBytes) {
  Expected<PackedHeader> header = parsePackedHeader(bytes, size);
  return header ? "" : header.failure().what;
}

TEST(PackedHeader, SurvivesItsBytes) {
  PackedHeader plain;
  plain.dataBytes = 4096, plain.checksums = {{1, 2}};
  for (const PackedHeader &header : {someHeader(), plain}) {
    Expected<PackedHeader> read = parsePackedHeader(bytesOf(header) + "padding", fileBytes);
    ASSERT_TRUE(read.ok()) << read.failure().what;
    EXPECT_EQ(*read, header);
  }
}

TEST(PackedHeader, EveryCutAndEveryFlippedBitIsRefused) {
  std::string bytes = bytesOf(someHeader());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(refusal(bytes.substr(0, length)), "the file is cut off") << length;
  }
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = char(uint8_t(flipped[bit / 8]) ^ (1U << (bit % 8)));
    EXPECT_NE(refusal(flipped), "") << bit;
  }
}

TEST(PackedHeader, SaysWhatIsWrong) {
  std::string bytes = bytesOf(someHeader());
  EXPECT_EQ(refusal("\x7f"
                    "ELF and so on, up to the size of a prefix"),
            "expected packed weights, found something else");
  std::string newer = bytes, damaged = bytes;
  newer[8] = 1;
  EXPECT_EQ(refusal(newer), "expected format version 4, found version 1");
  damaged[40] = char(damaged[40] ^ 1);
  EXPECT_EQ(refusal(damaged), "the header is damaged");
  for (uint64_t size : {uint64_t(bytes.size()), fileBytes - 1, fileBytes + 1}) {
    EXPECT_EQ(refusal(bytes, size), "the header claims 4096 bytes of weights, the file has " +
                                        std::to_string(size) + " in all");
  }
}

TEST(PackedHeader, MustFitBeforeTheWeights) {
  PackedHeader header = someHeader();
  header.files[0].name.assign(packedDataOffset, 'n');
  Expected<std::string> bytes = serialise(header);
  ASSERT_FALSE(bytes.ok());
  EXPECT_NE(bytes.failure().what.find("2 files and the checksums"), std::string::npos)
      << bytes.failure().what;
}

TEST(PackedHeader, HasAChecksumForEachPiece) {
  PackedHeader header = someHeader();
  header.dataBytes = 2 * packedPieceBytes + 1;
  header.checksums = {{1, 2}, {3, 4}, {5, 6}};
  std::string bytes = bytesOf(header);
  Expected<PackedHeader> read = parsePackedHeader(bytes, packedDataOffset + header.dataBytes);
  ASSERT_TRUE(read.ok()) << read.failure().what;
  EXPECT_EQ(*read, header);
  // As many as the weights have pieces, whatever else is right.
  uint64_t other = header.dataBytes + packedPieceBytes;
  std::string lying = bytes.substr(0, bytes.size() - sizeof(Hash128));
  std::memcpy(lying.data() + 20, &other, sizeof other);
  Hash128 hash = hash128(std::string_view(lying));
  lying.append(reinterpret_cast<const char *>(&hash), sizeof hash);
  EXPECT_EQ(refusal(lying, packedDataOffset + other), "the header is damaged");
}

TEST(PackedHeader, ChecksumsDoNotMakeADifference) {
  PackedHeader wanted = someHeader();
  wanted.checksums.clear();
  EXPECT_EQ(difference(someHeader(), wanted), "");
}

TEST(PackedHeader, NamesThePartThatDiffers) {
  PackedHeader found = someHeader();
  auto changed = [&](auto change) {
    PackedHeader wanted = found;
    change(wanted);
    return difference(found, wanted);
  };
  EXPECT_EQ(difference(found, found), "");
  EXPECT_EQ(changed([](PackedHeader &h) { h.plan = "f"; }),
            "they are of another plan (0123456789abcdef) than f");
  EXPECT_EQ(changed([](PackedHeader &h) { h.variant = "x86-64-v3"; }),
            "they are of another variant (x86-64-v4) than x86-64-v3");
  EXPECT_EQ(changed([](PackedHeader &h) { h.source = "made up from seed 1"; }),
            "they are of another source (checkpoint 77) than made up from seed 1");
  EXPECT_EQ(changed([](PackedHeader &h) { h.calibration = "88"; }),
            "they were packed without --calibration");
  found.calibration = "88";
  EXPECT_EQ(changed([](PackedHeader &h) { h.calibration = "99"; }),
            "they were calibrated with another text");
  EXPECT_EQ(changed([](PackedHeader &h) { h.calibration = ""; }),
            "they were packed with --calibration");
  EXPECT_EQ(changed([](PackedHeader &h) { h.files.pop_back(); }),
            "they are of another number of files (2) than 1");
  EXPECT_EQ(changed([](PackedHeader &h) { h.files[1].name = "c"; }),
            "the checkpoint had a file b.safetensors in the place of c");
  EXPECT_EQ(changed([](PackedHeader &h) { h.files[0].bytes = 7; }),
            "a.safetensors had 1000 bytes when they were packed, now 7");
  EXPECT_EQ(changed([](PackedHeader &h) { ++h.files[1].changed; }),
            "b.safetensors was changed after they were packed");
  EXPECT_EQ(changed([](PackedHeader &h) { h.dataBytes = 1; }),
            "they are of another size (4096) than 1");
}
