//===- PlanFile.cpp - write and read the binary form of a plan ------------===//
//
// Both directions walk the fields in the order of PlanFields.h. The reader
// compares every count with the bytes that remain before it allocates, so that
// memory stays in proportion to the file, and stops at the first failure.
//
//===----------------------------------------------------------------------===//

#include "dsv3/Plan/PlanFile.h"

#include "PlanFields.h"

#include <cstring>

using namespace dsv3;
using namespace dsv3::plan;

static constexpr std::string_view magic = "DSV3PLAN";
// Magic, u32 version, u64 total size, u64 checksum of what follows.
static constexpr size_t headerBytes = 8 + 4 + 8 + 8;

static constexpr std::string_view recompile = "compile the bundle again with dsv3-compile";

/// FNV-1a: each byte moves the state one to one, so no single change goes unseen.
static uint64_t checksum(std::string_view bytes) {
  uint64_t state = 0xCBF29CE484222325U;
  for (char byte : bytes) {
    state = (state ^ uint8_t(byte)) * 0x100000001B3U;
  }
  return state;
}

template <typename T>
static void putInteger(std::string &bytes, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    bytes.push_back(char(uint8_t(uint64_t(value) >> (8 * i))));
  }
}

template <typename T>
static T getInteger(const char *bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= uint64_t(uint8_t(bytes[i])) << (8 * i);
  }
  return static_cast<T>(value);
}

namespace {

/// The largest value of each enumeration that a file may hold.
template <typename E>
constexpr uint8_t lastOf();
template <>
constexpr uint8_t lastOf<DType>() {
  return uint8_t(DType::I4);
}
template <>
constexpr uint8_t lastOf<LayoutKind>() {
  return uint8_t(LayoutKind::InPlace);
}
template <>
constexpr uint8_t lastOf<ArgKind>() {
  return uint8_t(ArgKind::PageTable);
}
template <>
constexpr uint8_t lastOf<Opcode>() {
  return uint8_t(Opcode::Observe);
}

class Writer {
public:
  std::string bytes;

  void operator()(bool value) { putInteger<uint8_t>(bytes, value ? 1 : 0); }
  void operator()(int32_t value) { putInteger(bytes, value); }
  void operator()(int64_t value) { putInteger(bytes, value); }
  void operator()(const std::string &text) {
    putInteger<uint64_t>(bytes, text.size());
    bytes += text;
  }
  template <typename E>
    requires std::is_enum_v<E>
  void operator()(E value) {
    putInteger(bytes, uint8_t(value));
  }
  /// 0, or one more than the value.
  template <typename E>
  void operator()(const std::optional<E> &value) {
    putInteger(bytes, uint8_t(value ? uint8_t(*value) + 1 : 0));
  }
  template <typename T>
  void operator()(const std::vector<T> &list) {
    putInteger<uint64_t>(bytes, list.size());
    for (const T &element : list) {
      if constexpr (std::is_class_v<T>) {
        plan::detail::fields(*this, element);
      } else {
        (*this)(element);
      }
    }
  }
};

/// Bytes of a T whose strings and lists are empty: no T in a file is shorter.
template <typename T>
size_t leastBytes() {
  Writer writer;
  const T empty{};
  if constexpr (std::is_class_v<T>) {
    plan::detail::fields(writer, empty);
  } else {
    writer(empty);
  }
  return writer.bytes.size();
}

class Reader {
public:
  explicit Reader(std::string_view bytes, size_t position) : bytes(bytes), position(position) {}

  std::string problem; ///< empty as long as all went well
  bool atEnd() const { return position == bytes.size(); }
  size_t at() const { return position; }

  void operator()(bool &value) { value = take<uint8_t>(1, "a truth value") != 0; }
  void operator()(int32_t &value) { value = take<int32_t>(-1, ""); }
  void operator()(int64_t &value) { value = take<int64_t>(-1, ""); }
  void operator()(std::string &text) {
    size_t count = takeCount(1);
    text.assign(bytes.substr(position, count));
    position += count;
  }
  template <typename E>
    requires std::is_enum_v<E>
  void operator()(E &value) {
    value = E(take<uint8_t>(lastOf<E>(), "a code of its list"));
  }
  template <typename E>
  void operator()(std::optional<E> &value) {
    auto code = take<uint8_t>(lastOf<E>() + 1, "nothing or a code of its list");
    value = code == 0 ? std::nullopt : std::optional(E(code - 1));
  }
  template <typename T>
  void operator()(std::vector<T> &list) {
    size_t count = takeCount(leastBytes<T>());
    list.resize(count);
    for (T &element : list) {
      if (!problem.empty()) {
        return;
      }
      if constexpr (std::is_class_v<T>) {
        plan::detail::fields(*this, element);
      } else {
        (*this)(element);
      }
    }
  }

private:
  std::string_view bytes;
  size_t position;

  /// An integer, 0 after a failure. With most >= 0 it may not be larger.
  template <typename T>
  T take(int64_t most, const char *expected) {
    if (!problem.empty() || bytes.size() - position < sizeof(T)) {
      fail("expected " + std::to_string(sizeof(T)) + " more bytes");
      return 0;
    }
    T value = getInteger<T>(bytes.data() + position);
    if (most >= 0 && int64_t(value) > most) {
      fail("expected " + std::string(expected) + ", found " + std::to_string(value));
      return 0;
    }
    position += sizeof(T);
    return value;
  }
  size_t takeCount(size_t elementBytes) {
    auto count = take<uint64_t>(-1, "");
    if (problem.empty() && count > (bytes.size() - position) / elementBytes) {
      fail("a list of " + std::to_string(count) + " elements does not fit into the " +
           std::to_string(bytes.size() - position) + " bytes that remain");
    }
    return problem.empty() ? size_t(count) : 0;
  }
  void fail(const std::string &text) {
    if (problem.empty()) {
      problem = text + " at byte " + std::to_string(position);
    }
  }
};

} // namespace

std::string plan::serialise(const Plan &plan) {
  Writer body;
  plan::detail::fields(body, plan);
  Writer file;
  file.bytes = magic;
  putInteger(file.bytes, planFormatVersion);
  putInteger<uint64_t>(file.bytes, headerBytes + body.bytes.size());
  putInteger(file.bytes, checksum(body.bytes));
  return file.bytes + body.bytes;
}

Expected<Plan> plan::parse(std::string_view bytes, const std::string &where) {
  if (bytes.size() < headerBytes || bytes.substr(0, magic.size()) != magic) {
    return Failure{"expected a plan file, which begins with " + std::string(magic) +
                       ", found something else",
                   where, "give the directory that dsv3-compile -o wrote"};
  }
  auto version = getInteger<uint32_t>(bytes.data() + 8);
  if (version != planFormatVersion) {
    return Failure{"expected plan format version " + std::to_string(planFormatVersion) +
                       ", found version " + std::to_string(version),
                   where, std::string(recompile)};
  }
  auto size = getInteger<uint64_t>(bytes.data() + 12);
  if (size != bytes.size()) {
    return Failure{"the plan states a size of " + std::to_string(size) + " bytes, the file has " +
                       std::to_string(bytes.size()),
                   where, std::string(recompile)};
  }
  if (getInteger<uint64_t>(bytes.data() + 20) != checksum(bytes.substr(headerBytes))) {
    return Failure{"the plan's checksum does not match its bytes: the file is damaged", where,
                   std::string(recompile)};
  }
  Reader reader(bytes, headerBytes);
  Plan plan;
  plan::detail::fields(reader, plan);
  if (reader.problem.empty() && !reader.atEnd()) {
    reader.problem = "expected the end of the plan at byte " + std::to_string(reader.at());
  }
  if (!reader.problem.empty()) {
    return Failure{"malformed plan: " + reader.problem, where, std::string(recompile)};
  }
  return plan;
}
