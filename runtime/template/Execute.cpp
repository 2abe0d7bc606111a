//===- Execute.cpp - the effects of statements ----------------------------===//

#include "runtime/template/Interpreter.h"
#include "runtime/template/Print.h"

namespace dsv3::text::jinja {

void Scope::set(const std::string &name, const Value &value) {
  for (auto &[known, old] : variables) {
    if (known == name) {
      old = value;
      return;
    }
  }
  variables.emplace_back(name, value);
}

Interpreter::ScopeGuard::ScopeGuard(Interpreter &interpreter, Scope *parent)
    : interpreter(interpreter), outer(interpreter.scope) {
  interpreter.runtime.charge(1);
  interpreter.scopes.emplace_back();
  interpreter.scopes.back().parent = parent;
  interpreter.scope = &interpreter.scopes.back();
}

Interpreter::ScopeGuard::~ScopeGuard() {
  // Blocks nest, so an unused scope is the last one.
  if (interpreter.scope == &interpreter.scopes.back() && !interpreter.scope->captured) {
    interpreter.scopes.pop_back();
  }
  interpreter.scope = outer;
}

Interpreter::Capture::Capture(Interpreter &interpreter)
    : interpreter(interpreter), outer(interpreter.out) {
  interpreter.out = &text;
}

Text Interpreter::render(const StmtList &program) {
  Text text;
  out = &text;
  ScopeGuard guard(*this, nullptr);
  run(program);
  return text;
}

void Interpreter::write(const Text &text) {
  runtime.charge(text.size() / 64);
  out->append(text);
  runtime.checkSize(out->size());
}

Value Interpreter::evaluateAt(const Expr &expr) {
  try {
    return evaluate(expr);
  } catch (Raised &raised) {
    raised.line = raised.line == 0 ? expr.line : raised.line;
    throw;
  }
}

Flow Interpreter::run(const StmtList &statements) {
  Runtime::Descent descent(runtime);
  for (const auto &stmt : statements) {
    Flow flow = Flow::Normal;
    try {
      runtime.charge(1);
      flow = runOne(*stmt);
    } catch (Raised &raised) {
      raised.line = raised.line == 0 ? stmt->line : raised.line;
      throw;
    }
    if (flow != Flow::Normal) {
      return flow;
    }
  }
  return Flow::Normal;
}

/// The output of `body` in a scope of its own.
Value Interpreter::capture(const StmtList &body) {
  ScopeGuard guard(*this, scope);
  Capture captured(*this);
  run(body);
  return runtime.made(Value(std::move(captured.text)));
}

Flow Interpreter::runOne(const Stmt &stmt) {
  switch (stmt.kind) {
  case StmtKind::Data:
    write(stmt.text);
    return Flow::Normal;
  case StmtKind::Output:
    for (const ExprPtr &expr : stmt.expressions) {
      write(toText(runtime, evaluateAt(*expr)));
    }
    return Flow::Normal;
  case StmtKind::If:
    return runIf(stmt);
  case StmtKind::For:
    return runFor(stmt, scope, evaluateAt(*stmt.expressions[0]), 0);
  case StmtKind::Set:
    assign(*stmt.targets[0], evaluateAt(*stmt.expressions[0]));
    return Flow::Normal;
  case StmtKind::SetBlock:
  case StmtKind::FilterBlock: {
    Value text = capture(stmt.body);
    // Filters are chained from the outside in.
    std::vector<const Expr *> chain;
    for (const Expr *filter = stmt.expressions[0].get(); filter;
         filter = filter->children[0].get()) {
      chain.push_back(filter);
    }
    for (auto filter = chain.rbegin(); filter != chain.rend(); ++filter) {
      text = applyFilter(**filter, text);
    }
    if (stmt.kind == StmtKind::SetBlock) {
      assign(*stmt.targets[0], text);
    } else {
      write(toText(runtime, text));
    }
    return Flow::Normal;
  }
  case StmtKind::Macro:
    scope->set(stmt.name, makeMacro(stmt, stmt.name));
    return Flow::Normal;
  case StmtKind::CallBlock: {
    const Expr &call = *stmt.expressions[0];
    Value callee = evaluateAt(*call.children[0]);
    Arguments arguments = evaluateArguments(call);
    arguments.named.emplace_back("caller", makeMacro(stmt, "caller"));
    write(toText(runtime, runtime.call(callee, arguments)));
    return Flow::Normal;
  }
  case StmtKind::With: {
    // Values are evaluated outside of the new scope.
    std::vector<Value> values = evaluateAll(stmt.expressions);
    ScopeGuard guard(*this, scope);
    for (size_t i = 0; i < values.size(); ++i) {
      assign(*stmt.targets[i], values[i]);
    }
    return run(stmt.body);
  }
  case StmtKind::Generation:
    write(capture(stmt.body).text());
    return Flow::Normal;
  case StmtKind::Break:
    return Flow::Break;
  case StmtKind::Continue:
    return Flow::Continue;
  }
  return Flow::Normal;
}

Flow Interpreter::runIf(const Stmt &stmt) {
  for (size_t i = 0; i < stmt.expressions.size(); ++i) {
    if (truthy(evaluateAt(*stmt.expressions[i]))) {
      return run(stmt.branches[i]);
    }
  }
  return run(stmt.otherwise);
}

void Interpreter::assign(const Expr &target, const Value &value) {
  if (target.kind == ExprKind::Name) {
    scope->set(target.name, value);
    return;
  }
  if (target.kind == ExprKind::NamespaceTarget) {
    auto *space = lookUp(target.name).as<NamespaceObject>();
    if (!space) {
      raise("TemplateRuntimeError", "cannot assign attribute on non-namespace object");
    }
    runtime.charge(1);
    space->set(target.operators[0], value);
    return;
  }
  std::vector<Value> items = itemsOf(runtime, value);
  size_t wanted = target.children.size();
  if (items.size() != wanted) {
    raiseValue(items.size() > wanted
                   ? "too many values to unpack (expected " + std::to_string(wanted) + ")"
                   : "not enough values to unpack (expected " + std::to_string(wanted) + ", got " +
                         std::to_string(items.size()) + ")");
  }
  for (size_t i = 0; i < wanted; ++i) {
    assign(*target.children[i], items[i]);
  }
}

namespace {
/// Ends a loop object even where an error leaves the loop.
struct LoopEnd {
  LoopObject &loop;
  ~LoopEnd() { loop.finish(); }
};
} // namespace

Flow Interpreter::runFor(const Stmt &stmt, Scope *defined, const Value &items, int depth) {
  auto object = std::make_shared<LoopObject>(*this, stmt, defined, depth);
  LoopObject &loop = *object;
  LoopEnd end{loop};
  if (stmt.recursive) { // it can be called as long as it is kept
    keep(defined);
  }
  std::vector<Value> all = itemsOf(runtime, items);
  size_t at = 0;
  loop.start([&, this]() -> std::optional<Value> {
    while (at < all.size()) {
      Value item = all[at++];
      if (!stmt.expressions[1]) {
        return item;
      }
      ScopeGuard guard(*this, defined);
      assign(*stmt.targets[0], item);
      if (truthy(evaluateAt(*stmt.expressions[1]))) {
        return item;
      }
    }
    return std::nullopt;
  });
  Value loopValue{std::shared_ptr<Object>(object)};
  bool ran = false;
  while (auto item = loop.advance()) {
    ran = true;
    ScopeGuard guard(*this, defined);
    scope->set("loop", loopValue);
    assign(*stmt.targets[0], *item);
    if (run(stmt.body) == Flow::Break) {
      break;
    }
  }
  if (ran) {
    return Flow::Normal;
  }
  ScopeGuard guard(*this, defined);
  return run(stmt.otherwise);
}

void Interpreter::keep(Scope *block) {
  for (; block && !block->captured; block = block->parent) {
    block->captured = true;
  }
}

Value Interpreter::makeMacro(const Stmt &stmt, std::string name) {
  keep(scope);
  return Value(
      std::shared_ptr<Object>(std::make_shared<MacroObject>(*this, stmt, scope, std::move(name))));
}

Value Interpreter::callLoop(const Stmt &loop, Scope *defined, const Value &items, int depth) {
  Capture captured(*this);
  runFor(loop, defined, items, depth);
  return Value(std::move(captured.text));
}

Value Interpreter::callMacro(const Stmt &macro, Scope *defined, const Arguments &arguments) {
  ScopeGuard guard(*this, defined);
  std::string name =
      macro.kind == StmtKind::Macro ? representString(macro.name) : std::string("'caller'");
  size_t count = macro.parameters.size(), given = std::min(arguments.positional.size(), count);
  std::vector<std::pair<std::string, Value>> named = arguments.named;
  auto take = [&](const std::string &key) -> std::optional<Value> {
    for (size_t i = 0; i < named.size(); ++i) {
      if (named[i].first == key) {
        Value value = named[i].second;
        named.erase(named.begin() + std::ptrdiff_t(i));
        return value;
      }
    }
    return std::nullopt;
  };
  std::vector<std::optional<Value>> values(count);
  bool callerGiven = false;
  for (size_t i = 0; i < count; ++i) {
    values[i] = i < given ? std::optional(arguments.positional[i]) : take(macro.parameters[i]);
    callerGiven |= macro.parameters[i] == "caller";
  }
  std::optional<Value> caller;
  if (macro.usesCaller && !callerGiven) {
    caller = take("caller");
    scope->set("caller", caller ? *caller : Value::undefined("No caller defined"));
  }
  if (macro.usesKwargs) {
    auto rest = std::make_shared<DictData>();
    for (const auto &[key, value] : named) {
      rest->set(untrusted(key), value);
    }
    scope->set("kwargs", Value(std::shared_ptr<const DictData>(std::move(rest))));
  } else if (!named.empty()) {
    for (const auto &[key, value] : named) {
      if (key == "caller") {
        raiseType("macro " + name +
                  " was invoked with two values for the special caller "
                  "argument. This is most likely a bug.");
      }
    }
    raiseType("macro " + name + " takes no keyword argument " + representString(named[0].first));
  }
  if (macro.usesVarargs) {
    scope->set("varargs", Value::tuple({arguments.positional.begin() + std::ptrdiff_t(given),
                                        arguments.positional.end()}));
  } else if (arguments.positional.size() > count) {
    raiseType("macro " + name + " takes not more than " + std::to_string(count) + " argument(s)");
  }
  // Defaults may refer to the parameters before them.
  size_t firstDefault = count - macro.defaults.size();
  for (size_t i = 0; i < count; ++i) {
    const std::string &parameter = macro.parameters[i];
    if (!values[i]) {
      values[i] =
          i >= firstDefault
              ? evaluateAt(*macro.defaults[i - firstDefault])
              : Value::undefined("parameter " + representString(parameter) + " was not provided");
    }
    scope->set(parameter, *values[i]);
  }
  Capture captured(*this);
  run(macro.body);
  return Value(std::move(captured.text));
}

} // namespace dsv3::text::jinja
