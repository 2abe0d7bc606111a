//===- Ast.h - the syntax tree of a template --------------------*- C++ -*-===//
//
// One node type for expressions, one for statements. Trees are immutable once
// parsed, and their depth is bounded by the parser.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/template/Value.h"

#include <memory>
#include <string>
#include <vector>

namespace dsv3::text::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

enum class ExprKind {
  Constant,  ///< value
  Name,      ///< name
  List,      ///< children
  Tuple,     ///< children
  Dict,      ///< children: key, value, key, value, …
  Attribute, ///< children[0].name
  Item,      ///< children[0][children[1]]
  Slice,     ///< children[0][1:2:3], null where left out
  Call,      ///< children[0](call)
  Filter,    ///< children[0] | name(call); children[0] is null in filter blocks
  Test,      ///< children[0] is name(call)
  Binary,    ///< children[0] name children[1]
  Compare,   ///< children[0] operators[0] children[1] operators[1] children[2] …
  Concat,    ///< children joined by ~
  And,
  Or,
  Not,
  Negative,
  Positive,
  Conditional,     ///< children: value, condition, otherwise (null if left out)
  NamespaceTarget, ///< name.attribute as the target of a set
};

struct Expr {
  ExprKind kind = ExprKind::Constant;
  int line = 1;
  /// Levels of nodes from here down.
  int depth = 1;
  std::string name;
  Value value;
  std::vector<ExprPtr> children;
  /// Names of operators (Compare), or the attribute (NamespaceTarget).
  std::vector<std::string> operators;
  /// Arguments of Call, Filter and Test.
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr spread, namedSpread;
};

struct Stmt;
using StmtList = std::vector<std::unique_ptr<Stmt>>;

enum class StmtKind {
  Data,        ///< text
  Output,      ///< expressions, one after the other
  If,          ///< branches[i] for the first expressions[i] that holds, or otherwise
  For,         ///< target in expressions[0] if expressions[1] (may be null)
  Set,         ///< target = expressions[0]
  SetBlock,    ///< target = body, through the filter expressions[0] (may be null)
  Macro,       ///< name(parameters), body
  CallBlock,   ///< expressions[0] called with body (parameters) as caller
  FilterBlock, ///< body through the filter expressions[0]
  With,        ///< targets = expressions, body
  Generation,  ///< body
  Break,
  Continue,
};

struct Stmt {
  StmtKind kind = StmtKind::Data;
  int line = 1;
  std::string name;
  Text text;
  std::vector<ExprPtr> expressions, targets;
  StmtList body, otherwise;
  std::vector<StmtList> branches;
  bool recursive = false;
  /// Of macros and call blocks; defaults belong to the last parameters.
  std::vector<std::string> parameters;
  std::vector<ExprPtr> defaults;
  /// Whether the body mentions them.
  bool usesCaller = false, usesVarargs = false, usesKwargs = false;
};

} // namespace dsv3::text::jinja
