//===- Interpreter.h - running a parsed template ----------------*- C++ -*-===//
//
// Walks the syntax tree: statements append to the output, expressions give
// values. Scopes are lexical, as in Jinja: the body of a loop has its own, that
// of an `if` has not.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Ast.h"
#include "runtime/template/Objects.h"
#include "runtime/template/Runtime.h"

#include <deque>

namespace dsv3::text::jinja {

/// The variables of one block. Owned by the interpreter.
struct Scope {
  Scope *parent = nullptr;
  std::vector<std::pair<std::string, Value>> variables;
  /// A macro refers to it: it must outlive its block.
  bool captured = false;

  void set(const std::string &name, const Value &value);
};

/// How a list of statements ended.
enum class Flow { Normal, Break, Continue };

/// Renders once. The tree and the context must outlive it.
class Interpreter {
public:
  Interpreter(const DictData &context, const Limits &limits) : runtime(limits), context(context) {}

  /// Raises on any error.
  Text render(const StmtList &program);

  /// Runs the body of a macro or call block. Called by MacroObject.
  Value callMacro(const Stmt &macro, Scope *defined, const Arguments &arguments);
  /// Runs a recursive loop over other items. Called by LoopObject.
  Value callLoop(const Stmt &loop, Scope *defined, const Value &items, int depth);

private:
  /// Makes a scope current for as long as it lives.
  class ScopeGuard {
  public:
    ScopeGuard(Interpreter &interpreter, Scope *parent);
    ~ScopeGuard();
    ScopeGuard(const ScopeGuard &) = delete;
    ScopeGuard &operator=(const ScopeGuard &) = delete;

  private:
    Interpreter &interpreter;
    Scope *outer;
  };
  /// Collects output apart for as long as it lives.
  class Capture {
  public:
    explicit Capture(Interpreter &interpreter);
    ~Capture() { interpreter.out = outer; }
    Capture(const Capture &) = delete;
    Capture &operator=(const Capture &) = delete;
    Text text;

  private:
    Interpreter &interpreter;
    Text *outer;
  };

  /// Keeps a scope and those around it until the end.
  static void keep(Scope *block);

  // Statements (Execute.cpp).
  Flow run(const StmtList &statements);
  Flow runOne(const Stmt &stmt);
  Flow runFor(const Stmt &stmt, Scope *defined, const Value &items, int depth);
  Flow runIf(const Stmt &stmt);
  void write(const Text &text);
  void assign(const Expr &target, const Value &value);
  Value makeMacro(const Stmt &stmt, std::string name);
  Value capture(const StmtList &body);
  /// evaluate(), with the line of `expr` added to what it raises.
  Value evaluateAt(const Expr &expr);

  // Expressions (Evaluate.cpp).
  Value evaluate(const Expr &expr);
  Value lookUp(const std::string &name);
  Value evaluateDict(const Expr &expr);
  Value evaluateCompare(const Expr &expr);
  Value evaluateConcat(const Expr &expr);
  Value applyFilter(const Expr &expr, const Value &subject);
  std::vector<Value> evaluateAll(const std::vector<ExprPtr> &exprs);
  Arguments evaluateArguments(const Expr &call);

  Runtime runtime;
  const DictData &context;
  std::deque<Scope> scopes;
  Scope *scope = nullptr;
  Text *out = nullptr;
};

/// A macro, or the caller of a call block.
class MacroObject : public Object {
public:
  MacroObject(Interpreter &interpreter, const Stmt &stmt, Scope *scope, std::string name)
      : interpreter(interpreter), stmt(stmt), scope(scope), name(std::move(name)) {}
  std::string typeName() const override { return "Macro"; }
  Text print(Runtime &runtime) const override;
  std::optional<Value> attribute(Runtime &runtime, const std::string &attribute) override;
  Value call(Runtime &, const Arguments &arguments) override {
    return interpreter.callMacro(stmt, scope, arguments);
  }
  bool callable() const override { return true; }

private:
  Interpreter &interpreter;
  const Stmt &stmt;
  Scope *scope;
  std::string name;
};

/// The variable `loop`.
class LoopObject : public Object, public std::enable_shared_from_this<LoopObject> {
public:
  LoopObject(Interpreter &interpreter, const Stmt &stmt, Scope *scope, int level)
      : interpreter(interpreter), stmt(stmt), scope(scope), level(level) {}
  std::string typeName() const override { return "jinja2.runtime.LoopContext"; }
  Text print(Runtime &runtime) const override;
  std::optional<Value> attribute(Runtime &runtime, const std::string &name) override;
  Value call(Runtime &runtime, const Arguments &arguments) override;
  bool callable() const override { return true; }
  std::optional<size_t> length() const override { return total(); }

  /// Where the items come from, one by one: a loop with a condition asks for it
  /// only when it gets there.
  using Source = std::function<std::optional<Value>()>;
  void start(Source items) { source = std::move(items); }
  /// Moves on; nothing at the end.
  std::optional<Value> advance();
  /// Drops what it holds: a loop can be kept in a namespace, even in itself.
  void finish();

private:
  bool peek() const;
  size_t total() const;
  Value changed(Runtime &runtime, const Arguments &arguments);

  Interpreter &interpreter;
  const Stmt &stmt;
  Scope *scope;
  int level;
  mutable Source source;
  /// Items that were looked at ahead of time.
  mutable std::deque<Value> ahead;
  std::optional<Value> before, now, last;
  int64_t index0 = -1;
  bool finished = false;
};

} // namespace dsv3::text::jinja
