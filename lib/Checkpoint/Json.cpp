//===- Json.cpp - reading untrusted JSON ----------------------------------===//
//
// nlohmann's own document builder is used through its callback-free SAX interface,
// since only there duplicate keys can be seen before one replaces the other.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Checkpoint/Json.h"

#include <utility>
#include <vector>

namespace dsv3::checkpoint {

std::string plainMessage(const std::exception &exception) {
  std::string text = exception.what();
  if (size_t end = text.find("] "); text.starts_with("[json.") && end != std::string::npos) {
    text.erase(0, end + 2);
  }
  // The parser quotes the last token that it read, which can be as long as the file.
  constexpr size_t limit = 160;
  if (text.size() > limit) {
    text.resize(limit);
    text += "…";
  }
  for (char &c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      c = ' ';
    }
  }
  return text;
}

namespace {
/// Builds a document; stops at the first thing that it does not like.
template <typename Document>
class DocumentBuilder : public nlohmann::json_sax<Document> {
public:
  using Base = nlohmann::json_sax<Document>;
  using typename Base::binary_t, typename Base::number_float_t, typename Base::number_integer_t,
      typename Base::number_unsigned_t, typename Base::string_t;

  bool null() override { return value(Document()); }
  bool boolean(bool flag) override { return value(Document(flag)); }
  bool number_integer(number_integer_t number) override { return value(Document(number)); }
  bool number_unsigned(number_unsigned_t number) override { return value(Document(number)); }
  bool number_float(number_float_t number, const string_t &) override {
    return value(Document(number));
  }
  bool string(string_t &text) override { return value(Document(std::move(text))); }
  bool binary(binary_t &) override { return false; }
  bool start_object(std::size_t) override { return open(Document::object()); }
  bool start_array(std::size_t) override { return open(Document::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t &text) override {
    Document &object = open_.back();
    if (object.contains(text)) {
      problem = "the key " + inQuotes(text) + " comes twice in one object";
      return false;
    }
    keys.push_back(std::move(text));
    return true;
  }
  bool parse_error(std::size_t, const std::string &,
                   const nlohmann::detail::exception &error) override {
    problem = plainMessage(error);
    return false;
  }

  Document result;
  std::string problem;

private:
  bool value(Document &&item) {
    if (open_.empty()) {
      result = std::move(item);
    } else if (open_.back().is_array()) {
      open_.back().push_back(std::move(item));
    } else {
      open_.back()[keys.back()] = std::move(item);
      keys.pop_back();
    }
    return true;
  }
  bool open(Document &&container) {
    if (open_.size() == maxJsonDepth) {
      problem = "objects and lists are nested more than " + std::to_string(maxJsonDepth) + " deep";
      return false;
    }
    open_.push_back(std::move(container));
    return true;
  }
  bool close() {
    Document finished = std::move(open_.back());
    open_.pop_back();
    return value(std::move(finished));
  }

  std::vector<Document> open_;   ///< the containers that are being read, outermost first
  std::vector<std::string> keys; ///< of the values that are being read
};
} // namespace

template <typename Document>
Expected<Document> parseJson(std::string_view text, const std::string &where) {
  DocumentBuilder<Document> builder;
  try {
    if (Document::sax_parse(text.begin(), text.end(), &builder)) {
      return std::move(builder.result);
    }
  } catch (const std::exception &exception) {
    builder.problem = plainMessage(exception);
  }
  return Failure{"expected JSON, but " + builder.problem, where,
                 "the file may be cut off, damaged or a Git LFS pointer; fetch it again"};
}

template Expected<Json> parseJson(std::string_view text, const std::string &where);
template Expected<nlohmann::ordered_json> parseJson(std::string_view text,
                                                    const std::string &where);

std::string inQuotes(std::string_view text) {
  constexpr size_t limit = 160;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "'";
  for (size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if (i >= limit && (byte & 0xC0) != 0x80) { // never inside a UTF-8 sequence
      result += "…";
      break;
    }
    if (byte < 0x20 || byte == 0x7F) {
      result += "\\x";
      result += digits[byte >> 4];
      result += digits[byte & 15];
    } else {
      result += text[i];
    }
  }
  return result + "'";
}

std::string describe(const Json &value) {
  switch (value.type()) {
  case Json::value_t::null:
    return "null";
  case Json::value_t::boolean:
    return value.get<bool>() ? "true" : "false";
  case Json::value_t::string:
    return "the text " + inQuotes(value.get_ref<const std::string &>());
  case Json::value_t::number_integer:
  case Json::value_t::number_unsigned:
  case Json::value_t::number_float:
    return value.dump();
  case Json::value_t::array:
    return "a list of " + std::to_string(value.size());
  default:
    return "an object";
  }
}

} // namespace dsv3::checkpoint
