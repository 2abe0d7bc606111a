//===- Runtime.cpp - limits and look-up of one rendering ------------------===//

#include "runtime/template/Runtime.h"

#include "runtime/template/Objects.h"

namespace dsv3::text::jinja {

Runtime::~Runtime() {
  for (const auto &space : namespaces) {
    space->attributes.clear();
  }
}

void Runtime::charge(size_t units) {
  used += units;
  if (used > limits.steps) {
    raise("ResourceError", "the template takes more than " + std::to_string(limits.steps) +
                               " steps; it may loop without end");
  }
}

void Runtime::checkSize(size_t bytes) const {
  if (bytes > limits.bytes) {
    raise("ResourceError", "a value grows beyond " + std::to_string(limits.bytes >> 20) + " MiB");
  }
}

void Runtime::checkProduct(size_t count, size_t size) const {
  checkSize(size != 0 && count > limits.bytes / size ? limits.bytes + 1 : count * size);
}

Value Runtime::made(Value value) {
  if (value.isString()) {
    checkSize(value.text().size());
    charge(value.text().size() / 64 + value.text().runCount() / 8);
  } else if (value.isSequence()) {
    checkProduct(value.items().size(), 16);
    charge(value.items().size() / 4);
  } else if (value.isDict()) {
    checkProduct(value.dict().items.size(), 32);
    charge(value.dict().items.size() / 2);
  }
  return value;
}

Runtime::Descent::Descent(Runtime &runtime) : runtime(runtime) {
  if (++runtime.depth > runtime.limits.depth) {
    --runtime.depth;
    raise("RecursionError", "maximum recursion depth exceeded");
  }
}

void Runtime::requireDefined(const Value &value) {
  if (value.isUndefined()) {
    raise(value.undefinedInfo().kind, value.undefinedInfo().message);
  }
}

Value Runtime::callFilter(const std::string &name, const Value &subject,
                          const Arguments &arguments) {
  Filter filter = findFilter(name);
  if (!filter) {
    raise("TemplateRuntimeError", "No filter named '" + name + "'.");
  }
  Descent descent(*this);
  return made(filter(*this, subject, arguments));
}

bool Runtime::callTest(const std::string &name, const Value &subject, const Arguments &arguments) {
  Test test = findTest(name);
  if (!test) {
    raise("TemplateRuntimeError", "No test named '" + name + "'.");
  }
  Descent descent(*this);
  return test(*this, subject, arguments);
}

Value Runtime::call(const Value &callee, const Arguments &arguments) {
  requireDefined(callee);
  if (!callee.isObject()) {
    raiseType("'" + typeName(callee) + "' object is not callable");
  }
  Descent descent(*this);
  charge(1);
  return made(callee.object().call(*this, arguments));
}

Value Runtime::makeNamespace() {
  charge(1);
  namespaces.push_back(std::make_shared<NamespaceObject>());
  return Value(std::shared_ptr<Object>(namespaces.back()));
}

Filter findFilter(const std::string &name) {
  static const std::unordered_map<std::string, Filter> table = [] {
    std::unordered_map<std::string, Filter> all;
    for (auto entries : {textFilters(), sequenceFilters(), selectFilters(), valueFilters()}) {
      for (const FilterEntry &entry : entries) {
        all.emplace(entry.name, entry.filter);
      }
    }
    return all;
  }();
  auto found = table.find(name);
  return found == table.end() ? nullptr : found->second;
}

Bound::Bound(const char *function, const Arguments &arguments,
             std::initializer_list<const char *> names, size_t required)
    : function(function), slots(names.size()) {
  std::string call = std::string(function) + "()";
  if (arguments.positional.size() > names.size()) {
    raiseType(call + " takes at most " + std::to_string(names.size()) + " arguments (" +
              std::to_string(arguments.positional.size()) + " given)");
  }
  for (size_t i = 0; i < arguments.positional.size(); ++i) {
    slots[i] = &arguments.positional[i];
  }
  for (const auto &[name, value] : arguments.named) {
    size_t at = 0;
    while (at < names.size() && name != names.begin()[at]) {
      ++at;
    }
    if (at == names.size()) {
      raiseType(call + " got an unexpected keyword argument '" + name + "'");
    }
    if (slots[at]) {
      raiseType(call + " got multiple values for argument '" + name + "'");
    }
    slots[at] = &value;
  }
  for (size_t i = 0; i < required; ++i) {
    if (!slots[i]) {
      raiseType(call + " missing a required argument: '" + names.begin()[i] + "'");
    }
  }
}

const Value *Bound::given(size_t index) const {
  return slots[index] && !slots[index]->isNone() ? slots[index] : nullptr;
}

int64_t Bound::integer(size_t index, int64_t fallback) const {
  if (!slots[index]) {
    return fallback;
  }
  Runtime::requireDefined(*slots[index]);
  auto value = slots[index]->integer();
  if (!value) {
    raiseType("'" + typeName(*slots[index]) + "' object cannot be interpreted as an integer");
  }
  return *value;
}

bool Bound::boolean(size_t index, bool fallback) const {
  return slots[index] ? truthy(*slots[index]) : fallback;
}

Text Bound::text(size_t index, std::string_view fallback) const {
  if (!slots[index]) {
    return Text(fallback, true);
  }
  Runtime::requireDefined(*slots[index]);
  if (!slots[index]->isString()) {
    raiseType(std::string(function) + "() expects a string, not '" + typeName(*slots[index]) + "'");
  }
  return slots[index]->text();
}

} // namespace dsv3::text::jinja
