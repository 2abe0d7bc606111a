//===- Loop.cpp - the variable `loop`, and macros as values ---------------===//

#include "runtime/template/Compare.h"
#include "runtime/template/Interpreter.h"
#include "runtime/template/Print.h"

namespace dsv3::text::jinja {

Text MacroObject::print(Runtime &) const {
  return Text("<Macro " + representString(name) + ">", false);
}

std::optional<Value> MacroObject::attribute(Runtime &, const std::string &attribute) {
  if (attribute == "name") {
    return literal(name);
  }
  if (attribute == "arguments") {
    std::vector<Value> names;
    for (const std::string &parameter : stmt.parameters) {
      names.push_back(literal(parameter));
    }
    return Value::tuple(std::move(names));
  }
  return std::nullopt;
}

Text LoopObject::print(Runtime &) const {
  return Text("<LoopContext " + std::to_string(index0 + 1) + "/" + std::to_string(total()) + ">",
              false);
}

std::optional<Value> LoopObject::advance() {
  std::optional<Value> item;
  if (!ahead.empty()) {
    item = ahead.front();
    ahead.pop_front();
  } else if (source) {
    item = source();
  }
  if (item) {
    before = std::exchange(now, item);
    ++index0;
  }
  return item;
}

void LoopObject::finish() {
  finished = true;
  source = nullptr;
  ahead.clear();
  before.reset();
  now.reset();
  last.reset();
}

bool LoopObject::peek() const {
  if (ahead.empty() && source) {
    if (auto item = source()) {
      ahead.push_back(*item);
    }
  }
  return !ahead.empty();
}

size_t LoopObject::total() const {
  while (source) {
    auto item = source();
    if (!item) {
      break;
    }
    ahead.push_back(*item);
  }
  return size_t(index0 + 1) + ahead.size();
}

Value LoopObject::changed(Runtime &runtime, const Arguments &arguments) {
  Value value = Value::tuple(arguments.positional);
  if (last && equals(runtime, *last, value)) {
    return false;
  }
  if (!finished) {
    last = value;
  }
  return true;
}

std::optional<Value> LoopObject::attribute(Runtime &, const std::string &name) {
  if (name == "index" || name == "index0") {
    return Value(index0 + (name == "index" ? 1 : 0));
  }
  if (name == "first") {
    return Value(index0 == 0);
  }
  if (name == "last") {
    return Value(!peek());
  }
  if (name == "length") {
    return Value(int64_t(total()));
  }
  if (name == "revindex" || name == "revindex0") {
    return Value(int64_t(total()) - index0 - (name == "revindex" ? 0 : 1));
  }
  if (name == "depth" || name == "depth0") {
    return Value(int64_t(level + (name == "depth" ? 1 : 0)));
  }
  if (name == "previtem") {
    return before ? *before : Value::undefined("there is no previous item");
  }
  if (name == "nextitem") {
    return peek() ? ahead.front() : Value::undefined("there is no next item");
  }
  if (name == "cycle") {
    return makeFunction("cycle", [index = index0](Runtime &, const Arguments &arguments) {
      if (arguments.positional.empty()) {
        raiseType("no items for cycling given");
      }
      return arguments.positional[size_t(index) % arguments.positional.size()];
    });
  }
  if (name == "changed") {
    // A function can be kept: it must not keep the loop, which could keep it.
    return makeFunction("changed",
                        [weak = weak_from_this()](Runtime &runtime, const Arguments &arguments) {
                          auto loop = weak.lock();
                          return loop ? loop->changed(runtime, arguments) : Value(true);
                        });
  }
  return std::nullopt;
}

Value LoopObject::call(Runtime &, const Arguments &arguments) {
  if (!stmt.recursive) {
    raiseType("The loop must have the 'recursive' marker to be called recursively.");
  }
  Bound bound("loop", arguments, {"iterable"}, 1);
  return interpreter.callLoop(stmt, scope, *bound.get(0), level + 1);
}

} // namespace dsv3::text::jinja
