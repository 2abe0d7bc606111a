//===- Context.cpp - JSON as values ---------------------------------------===//

#include "runtime/template/Context.h"

#include "runtime/template/Raise.h"

#include <limits>

namespace dsv3::text::jinja {

using Json = nlohmann::ordered_json;

static Value valueOf(const Json &json, int level, bool trusted) {
  // Value::list would refuse the nesting too, but only after the recursion.
  if (level > 200) {
    raise("RecursionError", "the context is nested more than 200 deep");
  }
  switch (json.type()) {
  case Json::value_t::boolean:
    return json.get<bool>();
  case Json::value_t::number_integer:
    return json.get<int64_t>();
  case Json::value_t::number_unsigned:
    if (json.get<uint64_t>() > uint64_t(std::numeric_limits<int64_t>::max())) {
      raise("OverflowError", "the integer " + std::to_string(json.get<uint64_t>()) +
                                 " in the context does not fit in a 64-bit integer");
    }
    return json.get<int64_t>();
  case Json::value_t::number_float:
    return json.get<double>();
  case Json::value_t::string:
    return Value(Text(json.get_ref<const std::string &>(), trusted));
  case Json::value_t::array: {
    std::vector<Value> items;
    items.reserve(json.size());
    for (const Json &item : json) {
      items.push_back(valueOf(item, level + 1, false));
    }
    return Value::list(std::move(items));
  }
  case Json::value_t::object: {
    auto dict = std::make_shared<DictData>();
    for (const auto &[key, item] : json.items()) {
      dict->set(untrusted(key), valueOf(item, level + 1, false));
    }
    return Value(std::shared_ptr<const DictData>(std::move(dict)));
  }
  case Json::value_t::null:
  case Json::value_t::binary:
  case Json::value_t::discarded:
    break;
  }
  return Value();
}

std::shared_ptr<const DictData> contextOf(const Json &context) {
  auto variables = std::make_shared<DictData>();
  for (const auto &[key, item] : context.items()) {
    bool trusted = key == "bos_token" || key == "eos_token";
    variables->set(untrusted(key), valueOf(item, 1, trusted));
  }
  return variables;
}

} // namespace dsv3::text::jinja
