//===- SequenceFilters.cpp - filters over lists and dictionaries ----------===//

#include "runtime/template/Access.h"
#include "runtime/template/Characters.h"
#include "runtime/template/Compare.h"
#include "runtime/template/Objects.h"
#include "runtime/template/Operators.h"
#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

#include <algorithm>
#include <unordered_set>

namespace dsv3::text::jinja {

/// What sorting compares: an attribute, strings without regard to case.
static Value keyOf(Runtime &runtime, const Value &item, const Value *attribute, bool caseSensitive,
                   const Value *fallback = nullptr) {
  Value key = attribute ? pathOf(runtime, item, *attribute) : item;
  if (key.isUndefined() && fallback) {
    key = *fallback;
  }
  return key.isString() && !caseSensitive ? Value(cased(key.text(), Case::Lower)) : key;
}

namespace {
struct Keyed {
  Value key, item;
};
} // namespace

static void sortKeyed(Runtime &runtime, std::vector<Keyed> &items, bool reverse) {
  std::stable_sort(items.begin(), items.end(), [&](const Keyed &a, const Keyed &b) {
    return reverse ? lessThan(runtime, b.key, a.key) : lessThan(runtime, a.key, b.key);
  });
}

static Value unkeyed(std::vector<Keyed> items) {
  std::vector<Value> result;
  for (Keyed &entry : items) {
    result.push_back(std::move(entry.item));
  }
  return Value::list(std::move(result));
}

static Value sort(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_sort", arguments, {"reverse", "case_sensitive", "attribute"});
  bool caseSensitive = bound.boolean(1, false);
  const Value *attribute = bound.given(2);
  bool several =
      attribute && attribute->isString() && attribute->str().find(',') != std::string::npos;
  std::vector<Keyed> items;
  for (const Value &item : itemsOf(runtime, subject)) {
    Value key;
    if (several) {
      std::vector<Value> keys;
      for (size_t from = 0; from <= attribute->str().size();) {
        size_t comma = std::min(attribute->str().find(',', from), attribute->str().size());
        Value part = untrusted(attribute->str().substr(from, comma - from));
        keys.push_back(keyOf(runtime, item, &part, caseSensitive));
        from = comma + 1;
      }
      key = Value::list(std::move(keys));
    } else {
      key = keyOf(runtime, item, attribute, caseSensitive);
    }
    items.push_back({std::move(key), item});
  }
  sortKeyed(runtime, items, bound.boolean(0, false));
  return unkeyed(std::move(items));
}

static Value dictsort(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_dictsort", arguments, {"case_sensitive", "by", "reverse"});
  std::string by = bound.text(1, "key").str();
  if (by != "key" && by != "value") {
    raise("FilterArgumentError", "You can only sort by either \"key\" or \"value\"");
  }
  runtime.requireDefined(subject);
  if (!subject.isDict()) {
    raise("AttributeError", "'" + typeName(subject) + "' object has no attribute 'items'");
  }
  std::vector<Keyed> items;
  for (const auto &[key, value] : subject.dict().items) {
    items.push_back({keyOf(runtime, by == "key" ? key : value, nullptr, bound.boolean(0, false)),
                     Value::tuple({key, value})});
  }
  sortKeyed(runtime, items, bound.boolean(2, false));
  return unkeyed(std::move(items));
}

static Value groupby(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  bool caseSensitive = bound.boolean(2, false);
  std::vector<Keyed> items;
  for (const Value &item : itemsOf(runtime, subject)) {
    items.push_back({keyOf(runtime, item, bound.get(0), caseSensitive, bound.given(1)), item});
  }
  sortKeyed(runtime, items, false);
  std::vector<Value> groups;
  for (size_t begin = 0; begin < items.size();) {
    std::vector<Value> members;
    size_t end = begin;
    for (; end < items.size() && equals(runtime, items[end].key, items[begin].key); ++end) {
      members.push_back(items[end].item);
    }
    if (end == begin) { // NaN is not even equal to itself
      members.push_back(items[end++].item);
    }
    Value key = keyOf(runtime, members.front(), bound.get(0), true, bound.given(1));
    groups.push_back(Value::tuple({key, Value::list(std::move(members))}, true));
    begin = end;
  }
  return Value::list(std::move(groups));
}

static Value unique(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_unique", arguments, {"case_sensitive", "attribute"});
  std::unordered_set<std::string> seen;
  std::vector<Value> result;
  for (const Value &item : itemsOf(runtime, subject)) {
    if (seen.insert(hashKey(keyOf(runtime, item, bound.given(1), bound.boolean(0, false))))
            .second) {
      result.push_back(item);
    }
  }
  return makeIterator("generator", std::move(result));
}

static Value extreme(Runtime &runtime, const Value &subject, const Arguments &arguments,
                     bool largest) {
  Bound bound(largest ? "do_max" : "do_min", arguments, {"case_sensitive", "attribute"});
  std::optional<Keyed> best;
  for (const Value &item : itemsOf(runtime, subject)) {
    Value key = keyOf(runtime, item, bound.given(1), bound.boolean(0, false));
    if (!best ||
        (largest ? lessThan(runtime, best->key, key) : lessThan(runtime, key, best->key))) {
      best = Keyed{key, item};
    }
  }
  return best ? best->item : Value::undefined("No aggregated item, sequence was empty.");
}

static Value sum(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_sum", arguments, {"attribute", "start"});
  Value total = bound.get(1) ? *bound.get(1) : Value(0);
  if (total.isString()) {
    raiseType("sum() can't sum strings [use ''.join(seq) instead]");
  }
  for (const Value &item : itemsOf(runtime, subject)) {
    runtime.charge(1);
    total =
        binary(runtime, "+", total, bound.given(0) ? pathOf(runtime, item, *bound.get(0)) : item);
  }
  return total;
}

static Value join(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_join", arguments, {"d", "attribute"});
  Text separator = bound.get(0) ? toText(runtime, *bound.get(0)) : Text();
  Text result;
  bool first = true;
  for (const Value &item : itemsOf(runtime, subject)) {
    if (!first) {
      result.append(separator);
    }
    first = false;
    result.append(toText(runtime, bound.given(1) ? pathOf(runtime, item, *bound.get(1)) : item));
    runtime.checkSize(result.size());
  }
  return result;
}

static Value length(Runtime &, const Value &subject, const Arguments &arguments) {
  Bound bound("len", arguments, {});
  auto count = lengthOf(subject);
  if (!count) {
    raiseType("object of type '" + typeName(subject) + "' has no len()");
  }
  return int64_t(*count);
}

static Value first(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_first", arguments, {});
  if (auto *iterator = subject.as<IteratorObject>()) {
    auto item = iterator->next();
    return item ? *item : Value::undefined("No first item, sequence was empty.");
  }
  std::vector<Value> items = itemsOf(runtime, subject);
  return items.empty() ? Value::undefined("No first item, sequence was empty.") : items.front();
}

static Value last(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_last", arguments, {});
  if (subject.as<IteratorObject>() || (!subject.isUndefined() && !lengthOf(subject))) {
    raiseType("'" + typeName(subject) + "' object is not reversible");
  }
  std::vector<Value> items = itemsOf(runtime, subject);
  return items.empty() ? Value::undefined("No last item, sequence was empty.") : items.back();
}

static Value list(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_list", arguments, {});
  return Value::list(itemsOf(runtime, subject));
}

static Value reverse(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_reverse", arguments, {});
  std::vector<Value> items = itemsOf(runtime, subject);
  std::reverse(items.begin(), items.end());
  if (subject.isString()) {
    Text text;
    for (const Value &item : items) {
      text.append(item.text());
    }
    return text;
  }
  return subject.as<IteratorObject>() ? Value::list(std::move(items))
                                      : makeIterator("list_reverseiterator", std::move(items));
}

static Value items(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_items", arguments, {});
  std::vector<Value> pairs;
  if (!subject.isUndefined() && !subject.isDict()) {
    raiseType("Can only get item pairs from a mapping.");
  }
  if (subject.isDict()) {
    runtime.charge(subject.dict().items.size());
    for (const auto &[key, value] : subject.dict().items) {
      pairs.push_back(Value::tuple({key, value}));
    }
  }
  return makeIterator("generator", std::move(pairs));
}

static Value batch(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_batch", arguments, {"linecount", "fill_with"}, 1);
  int64_t count = bound.integer(0, 1);
  std::vector<Value> rows, row;
  for (const Value &item : itemsOf(runtime, subject)) {
    if (int64_t(row.size()) == count) {
      rows.push_back(Value::list(std::move(row)));
      row.clear();
    }
    row.push_back(item);
  }
  if (!row.empty()) {
    if (const Value *fill = bound.given(1); fill && int64_t(row.size()) < count) {
      runtime.checkProduct(size_t(count), 16);
      row.resize(size_t(count), *fill);
    }
    rows.push_back(Value::list(std::move(row)));
  }
  return makeIterator("generator", std::move(rows));
}

static Value slice(Runtime &runtime, const Value &subject, const Arguments &arguments) {
  Bound bound("do_slice", arguments, {"slices", "fill_with"}, 1);
  std::vector<Value> all = itemsOf(runtime, subject), columns;
  int64_t slices = bound.integer(0, 1);
  if (slices == 0) {
    raise("ZeroDivisionError", "integer division or modulo by zero");
  }
  runtime.checkProduct(size_t(std::max<int64_t>(slices, 0)), 64);
  size_t at = 0;
  for (int64_t i = 0; i < slices; ++i) {
    bool extra = i < int64_t(all.size()) % slices;
    size_t take = all.size() / size_t(slices) + (extra ? 1 : 0);
    std::vector<Value> column(all.begin() + std::ptrdiff_t(at),
                              all.begin() + std::ptrdiff_t(at + take));
    at += take;
    if (bound.given(1) && !extra) {
      column.push_back(*bound.given(1));
    }
    columns.push_back(Value::list(std::move(column)));
  }
  return makeIterator("generator", std::move(columns));
}

std::span<const FilterEntry> sequenceFilters() {
  static constexpr FilterEntry filters[] = {
      {"sort", sort},
      {"dictsort", dictsort},
      {"groupby", groupby},
      {"unique", unique},
      {"min",
       [](Runtime &r, const Value &s, const Arguments &a) { return extreme(r, s, a, false); }},
      {"max",
       [](Runtime &r, const Value &s, const Arguments &a) { return extreme(r, s, a, true); }},
      {"sum", sum},
      {"join", join},
      {"length", length},
      {"count", length},
      {"first", first},
      {"last", last},
      {"list", list},
      {"reverse", reverse},
      {"items", items},
      {"batch", batch},
      {"slice", slice}};
  return filters;
}

} // namespace dsv3::text::jinja
