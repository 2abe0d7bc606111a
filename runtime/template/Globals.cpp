//===- Globals.cpp - functions that every template can call ---------------===//
//
// Jinja's range, dict, namespace, cycler and joiner, and what transformers adds:
// raise_exception and strftime_now.
//
//===----------------------------------------------------------------------===//

#include "runtime/template/Objects.h"
#include "runtime/template/Print.h"
#include "runtime/template/Runtime.h"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace dsv3::text::jinja {

static Value range(Runtime &, const Arguments &arguments) {
  Bound bound("range", arguments, {"start", "stop", "step"}, 1);
  int64_t start = bound.get(1) ? bound.integer(0, 0) : 0;
  int64_t stop = bound.integer(bound.get(1) ? 1 : 0, 0), step = bound.integer(2, 1);
  if (step == 0) {
    raiseValue("range() arg 3 must not be zero");
  }
  __int128 span = step > 0 ? __int128(stop) - start : __int128(start) - stop;
  __int128 by = step > 0 ? __int128(step) : -__int128(step);
  __int128 count = span <= 0 ? 0 : (span + by - 1) / by;
  if (count > 100000) {
    raise("OverflowError",
          "Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
  }
  return Value(std::shared_ptr<Object>(std::make_shared<RangeObject>(start, step, size_t(count))));
}

/// dict(mapping or pairs, key=value…), as pairs.
static std::shared_ptr<DictData> makeDict(Runtime &runtime, const Arguments &arguments) {
  auto result = std::make_shared<DictData>();
  if (arguments.positional.size() > 1) {
    raiseType("dict expected at most 1 argument, got " +
              std::to_string(arguments.positional.size()));
  }
  if (!arguments.positional.empty()) {
    const Value &source = arguments.positional[0];
    if (source.isDict()) {
      *result = source.dict();
    } else {
      for (const Value &pair : itemsOf(runtime, source)) {
        std::vector<Value> halves = itemsOf(runtime, pair);
        if (halves.size() != 2) {
          raiseValue("dictionary update sequence element has length " +
                     std::to_string(halves.size()) + "; 2 is required");
        }
        result->set(halves[0], halves[1]);
      }
    }
  }
  for (const auto &[name, value] : arguments.named) {
    result->set(literal(name), value);
  }
  runtime.charge(result->items.size());
  return result;
}

static Value makeNamespace(Runtime &runtime, const Arguments &arguments) {
  Value space = runtime.makeNamespace();
  std::shared_ptr<const DictData> attributes = makeDict(runtime, arguments);
  for (const auto &[key, value] : attributes->items) {
    if (!key.isString()) {
      raiseType("a namespace has attributes with names only");
    }
    space.as<NamespaceObject>()->set(key.str(), value);
  }
  return space;
}

static Value raiseException(Runtime &runtime, const Arguments &arguments) {
  Bound bound("raise_exception", arguments, {"message"}, 1);
  raise("TemplateError", toText(runtime, *bound.get(0)).str());
}

static Value strftimeNow(Runtime &runtime, const Arguments &arguments) {
  Bound bound("strftime_now", arguments, {"format"}, 1);
  std::string format = bound.text(0, "").str();
  runtime.checkProduct(format.size(), 64);
  auto now = std::chrono::system_clock::now();
  std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::string out;
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%' || at + 1 == format.size()) {
      out += format[at];
      continue;
    }
    char code = format[++at];
    char buffer[128];
    if (code == 'f') {
      auto micros = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
      std::snprintf(buffer, sizeof buffer, "%06d", int(micros.count() % 1000000));
      out += buffer;
    } else if (code == '-' && at + 1 < format.size()) {
      char pattern[] = {'%', '-', format[++at], 0};
      out.append(buffer, std::strftime(buffer, sizeof buffer, pattern, &local));
    } else if (code != 'z' && code != 'Z') { // the time that Python prints has no zone
      char pattern[] = {'%', code, 0};
      out.append(buffer, std::strftime(buffer, sizeof buffer, pattern, &local));
    }
  }
  return untrusted(out);
}

namespace {
/// cycler('a', 'b'): next() walks round.
class CyclerObject : public Object {
public:
  explicit CyclerObject(std::vector<Value> all) : items(std::move(all)) {
    depth = depthAbove(items);
  }
  std::string typeName() const override { return "jinja2.utils.Cycler"; }
  std::optional<Value> attribute(Runtime &, const std::string &name) override {
    if (name == "current") {
      return items[*at];
    }
    if (name == "next" || name == "reset") {
      // The function may outlive this object: it shares the position.
      return makeFunction(
          name,
          [items = items, at = at, name](Runtime &, const Arguments &) {
            size_t now = *at;
            *at = name == "next" ? (now + 1) % items.size() : 0;
            return name == "next" ? items[now] : Value();
          },
          depth);
    }
    return std::nullopt;
  }

private:
  std::vector<Value> items;
  std::shared_ptr<size_t> at = std::make_shared<size_t>(0);
};
} // namespace

static Value cycler(Runtime &, const Arguments &arguments) {
  if (arguments.positional.empty()) {
    raise("RuntimeError", "at least one item has to be provided");
  }
  return Value(std::shared_ptr<Object>(std::make_shared<CyclerObject>(arguments.positional)));
}

/// joiner(', '): empty at the first call, the separator from then on.
static Value joiner(Runtime &, const Arguments &arguments) {
  Bound bound("joiner", arguments, {"sep"});
  Value separator = bound.get(0) ? *bound.get(0) : literal(", ");
  return makeFunction(
      "joiner",
      [separator, used = false](Runtime &, const Arguments &) mutable {
        bool first = !used;
        used = true;
        return first ? Value(Text()) : separator;
      },
      separator.depth());
}

std::optional<Value> findGlobal(const std::string &name) {
  struct Entry {
    const char *name;
    Value (*function)(Runtime &, const Arguments &);
  };
  static constexpr Entry globals[] = {
      {"range", range},
      {"dict",
       [](Runtime &runtime, const Arguments &arguments) {
         return Value(std::shared_ptr<const DictData>(makeDict(runtime, arguments)));
       }},
      {"namespace", makeNamespace},
      {"raise_exception", raiseException},
      {"strftime_now", strftimeNow},
      {"cycler", cycler},
      {"joiner", joiner}};
  for (const Entry &entry : globals) {
    if (name == entry.name) {
      return makeFunction(name, entry.function);
    }
  }
  return std::nullopt;
}

} // namespace dsv3::text::jinja
