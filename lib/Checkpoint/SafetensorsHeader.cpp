//===- SafetensorsHeader.cpp - the header of a safetensors file -----------===//
//
// Parses the header straight from nlohmann's events into TensorInfos, so that a hostile
// header costs no more memory than its own size allows and duplicate names are seen.
// Then checks that the spans tile the data exactly, as the reference implementation
// (huggingface/safetensors, Metadata::validate) does.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/Json.h"
#include "dsv3/Checkpoint/Safetensors.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

namespace dsv3::checkpoint {

namespace {
/// The format's element types and their bits; more than dsv3 can compute with.
struct FormatType {
  std::string_view name;
  uint32_t bits;
};
constexpr std::array<FormatType, 21> formatTypes{{
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6},     {"F6_E3M2", 6}, {"U8", 8},   {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},     {"I16", 16},    {"U16", 16}, {"F16", 16},
    {"BF16", 16},   {"I32", 32},    {"U32", 32},        {"F32", 32},    {"C64", 64}, {"F64", 64},
    {"I64", 64},    {"U64", 64},    {"F8_E4M3FNUZ", 8},
}};

/// A tensor of the header with its span of the data, before the span is checked.
struct RawTensor {
  TensorInfo info;
  uint64_t begin = 0, end = 0;
};

/// Receives the events of the header: a root object of entries, an entry with three
/// fields, of which two are lists; or __metadata__, an object of texts.
class HeaderReader : public nlohmann::json_sax<Json> {
public:
  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a boolean"); }
  bool number_integer(number_integer_t) override { return scalar("a negative number"); }
  /// The parser takes whole numbers that 64 bits do not hold for fractions.
  bool number_float(number_float_t, const string_t &text) override {
    bool whole = text.find_first_of(".eE") == text.npos;
    return scalar(!whole                  ? "a fraction"
                  : text.starts_with('-') ? "a negative number"
                                          : "a number of 2^64 or more");
  }
  bool binary(binary_t &) override { return scalar("binary data"); }
  bool number_unsigned(number_unsigned_t number) override {
    if (place == Place::Shape) {
      if (number > uint64_t(std::numeric_limits<int64_t>::max())) {
        return fail("the tensor " + inQuotes(current.info.name) + " has a dimension of " +
                    std::to_string(number));
      }
      current.info.shape.push_back(static_cast<int64_t>(number));
      return true;
    }
    if (place == Place::Offsets && offsetCount < 2) {
      (offsetCount++ == 0 ? current.begin : current.end) = number;
      return true;
    }
    return scalar("a number");
  }
  bool string(string_t &text) override {
    if (place == Place::Entry && field == "dtype") {
      current.info.dtypeName = std::move(text);
      return true;
    }
    if (place == Place::Metadata) {
      if (!metadata.emplace(field, std::move(text)).second) {
        return fail("the key " + inQuotes(field) + " comes twice in __metadata__");
      }
      return true;
    }
    return scalar("a text");
  }
  bool start_object(std::size_t) override {
    switch (place) {
    case Place::Outside:
      place = Place::Root;
      return true;
    case Place::Root:
      if (field == "__metadata__") {
        if (std::exchange(sawMetadata, true)) {
          return fail("__metadata__ comes twice");
        }
        place = Place::Metadata;
        return true;
      }
      current = {};
      current.info.name = field;
      seen = {};
      place = Place::Entry;
      return true;
    default:
      return scalar("an object");
    }
  }
  bool end_object() override {
    switch (place) {
    case Place::Root:
      place = Place::Outside;
      return true;
    case Place::Metadata:
      place = Place::Root;
      return true;
    default:
      for (size_t i = 0; i < fields.size(); ++i) {
        if (!seen[i]) {
          return fail("the tensor " + inQuotes(current.info.name) + " has no " +
                      std::string(fields[i]));
        }
      }
      tensors.push_back(std::move(current));
      place = Place::Root;
      return true;
    }
  }
  bool start_array(std::size_t) override {
    if (place == Place::Entry && field == "shape") {
      place = Place::Shape;
      return true;
    }
    if (place == Place::Entry && field == "data_offsets") {
      place = Place::Offsets;
      offsetCount = 0;
      return true;
    }
    return scalar("a list");
  }
  bool end_array() override {
    if (place == Place::Offsets && offsetCount != 2) {
      return scalar("a list of " + std::to_string(offsetCount));
    }
    place = Place::Entry;
    return true;
  }
  bool key(string_t &text) override {
    field = std::move(text);
    if (place != Place::Entry) {
      return true;
    }
    const auto *found = std::find(fields.begin(), fields.end(), field);
    if (found == fields.end()) {
      return fail("the tensor " + inQuotes(current.info.name) + " has a field " + inQuotes(field) +
                  " that the format does not know");
    }
    if (std::exchange(seen[static_cast<size_t>(found - fields.begin())], true)) {
      return fail("the tensor " + inQuotes(current.info.name) + " states " + field + " twice");
    }
    return true;
  }
  bool parse_error(std::size_t, const std::string &, const Json::exception &error) override {
    return fail("the header is not JSON: " + plainMessage(error));
  }

  std::vector<RawTensor> tensors;
  std::map<std::string, std::string> metadata;
  std::string problem;

private:
  enum class Place : uint8_t { Outside, Root, Metadata, Entry, Shape, Offsets };
  static constexpr std::array<std::string_view, 3> fields{"dtype", "shape", "data_offsets"};

  bool fail(std::string text) {
    problem = std::move(text);
    return false;
  }
  /// A value of a kind that does not belong here.
  bool scalar(const std::string &found) {
    switch (place) {
    case Place::Outside:
      return fail("expected the header to be an object, found " + found);
    case Place::Root:
      return fail("expected " + inQuotes(field) + " to be an object, found " + found);
    case Place::Metadata:
      return fail("expected __metadata__ to hold texts, but " + inQuotes(field) + " is " + found);
    default:
      break;
    }
    std::string_view expected = field == "dtype"   ? "a text"
                                : field == "shape" ? "a list of sizes"
                                                   : "a list of two offsets";
    return fail("expected " + field + " of the tensor " + inQuotes(current.info.name) + " to be " +
                std::string(expected) + ", found " + found);
  }

  Place place = Place::Outside;
  std::string field; ///< the key whose value comes
  RawTensor current;
  std::array<bool, 3> seen{};
  size_t offsetCount = 0;
  bool sawMetadata = false;
};
} // namespace

/// The bytes that a tensor must have; empty where the numbers overflow or the bits are
/// no whole bytes.
static std::optional<uint64_t> bytesOf(std::span<const int64_t> shape, uint32_t bits) {
  uint64_t count = 1;
  for (int64_t size : shape) {
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(size), &count)) {
      return std::nullopt;
    }
  }
  if (__builtin_mul_overflow(count, uint64_t(bits), &count) || count % 8 != 0) {
    return std::nullopt;
  }
  return count / 8;
}

/// Checks type, shape and span of one tensor against each other and the file.
static Status checkTensor(const RawTensor &tensor, uint64_t headerEnd, uint64_t fileBytes,
                          const std::string &where) {
  const TensorInfo &info = tensor.info;
  const std::string subject = "the tensor " + inQuotes(info.name);
  const std::string span =
      "data_offsets [" + std::to_string(tensor.begin) + ", " + std::to_string(tensor.end) + "]";
  if (tensor.begin > tensor.end) {
    return Failure{subject + " has " + span + ", which end before they begin", where,
                   "the header is damaged; fetch the file again"};
  }
  if (tensor.end > fileBytes - headerEnd) {
    return Failure{subject + " has " + span + ", but the file holds only " +
                       std::to_string(fileBytes - headerEnd) + " bytes of data",
                   where, "the file is cut off; fetch it again"};
  }
  const auto *type = std::find_if(formatTypes.begin(), formatTypes.end(),
                                  [&](const FormatType &t) { return t.name == info.dtypeName; });
  if (type == formatTypes.end()) {
    return {}; // newer than this table; refused by name if the model needs the tensor
  }
  std::optional<uint64_t> bytes = bytesOf(info.shape, type->bits);
  std::string what =
      subject + " has type " + info.dtypeName + " and shape " + shapeText(info.shape);
  if (!bytes) {
    return Failure{what + ", whose size in bytes cannot be computed", where,
                   "the header is damaged; fetch the file again"};
  }
  if (*bytes != tensor.end - tensor.begin) {
    return Failure{what + ", which is " + std::to_string(*bytes) + " bytes, but " + span +
                       " span " + std::to_string(tensor.end - tensor.begin),
                   where, "the header is damaged; fetch the file again"};
  }
  return {};
}

/// Checks that the spans cover the data once, without a hole.
static Status checkTiling(const std::vector<RawTensor> &tensors, uint64_t dataBytes,
                          const std::string &where) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(tensors[a].begin, tensors[a].end) <
           std::pair(tensors[b].begin, tensors[b].end);
  });
  uint64_t covered = 0;
  const RawTensor *previous = nullptr;
  const char *hint = "the header is damaged; fetch the file again";
  for (size_t index : order) {
    const RawTensor &tensor = tensors[index];
    if (tensor.begin < covered) { // never the first: covered is 0 before it
      return Failure{"the tensor " + inQuotes(tensor.info.name) + " begins at data byte " +
                         std::to_string(tensor.begin) + " and overlaps " +
                         inQuotes(previous->info.name) + ", which ends at " +
                         std::to_string(covered),
                     where, hint};
    }
    if (tensor.begin > covered) {
      return Failure{"data bytes " + std::to_string(covered) + " to " +
                         std::to_string(tensor.begin) + ", before the tensor " +
                         inQuotes(tensor.info.name) + ", belong to no tensor",
                     where, hint};
    }
    covered = tensor.end;
    previous = &tensor;
  }
  if (covered != dataBytes) {
    return Failure{"the tensors end at data byte " + std::to_string(covered) +
                       ", but the file holds " + std::to_string(dataBytes) + " bytes of data",
                   where, "something was appended to the file; fetch it again"};
  }
  return {};
}

static Expected<SafetensorsHeader> parseHeaderObject(std::string_view json, uint64_t headerEnd,
                                                     uint64_t fileBytes, const std::string &where) {
  const char *hint = "is this a safetensors file? If so it is damaged: fetch it again";
  if (!json.starts_with('{')) {
    return Failure{"expected the header to begin with '{'", where, hint};
  }
  HeaderReader reader;
  if (!Json::sax_parse(json.begin(), json.end(), &reader)) {
    return Failure{reader.problem, where, hint};
  }
  for (const RawTensor &tensor : reader.tensors) {
    if (Status status = checkTensor(tensor, headerEnd, fileBytes, where); !status) {
      return status;
    }
  }
  if (Status status = checkTiling(reader.tensors, fileBytes - headerEnd, where); !status) {
    return status;
  }
  SafetensorsHeader header;
  header.metadata = std::move(reader.metadata);
  header.tensors.reserve(reader.tensors.size());
  for (RawTensor &tensor : reader.tensors) {
    tensor.info.dtype = dtypeFromSafetensorsName(tensor.info.dtypeName);
    tensor.info.offset = headerEnd + tensor.begin;
    tensor.info.byteCount = tensor.end - tensor.begin;
    header.tensors.push_back(std::move(tensor.info));
  }
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorInfo &a, const TensorInfo &b) { return a.name < b.name; });
  auto twice =
      std::adjacent_find(header.tensors.begin(), header.tensors.end(),
                         [](const TensorInfo &a, const TensorInfo &b) { return a.name == b.name; });
  if (twice != header.tensors.end()) {
    return Failure{"the tensor " + inQuotes(twice->name) + " comes twice in the header", where,
                   "the header is damaged or forged; fetch the file again"};
  }
  return header;
}

Expected<SafetensorsHeader> parseSafetensorsHeader(std::string_view json, uint64_t headerEnd,
                                                   uint64_t fileBytes, const std::string &where) {
  if (headerEnd > fileBytes) {
    return Failure{"the header ends at byte " + std::to_string(headerEnd) + " of " +
                       std::to_string(fileBytes),
                   where, "the file is cut off; fetch it again"};
  }
  try {
    return parseHeaderObject(json, headerEnd, fileBytes, where);
  } catch (const std::exception &exception) { // memory
    return Failure{"cannot read the header: " + plainMessage(exception), where};
  }
}

std::string shapeText(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

} // namespace dsv3::checkpoint
