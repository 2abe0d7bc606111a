//===- PlanAttrs.cpp - layouts, tiles, ports, arguments -------------------===//
//
// Assembly and verifiers of the attributes of PlanBase.td. `parseBody` and `printBody`
// do what is within the angle brackets; ops print lists of bodies.
//
//===----------------------------------------------------------------------===//
#include "Plan/Plan.h"

#include "mlir/IR/DialectImplementation.h"

#include <limits>

using namespace mlir;
using namespace dsv3::planir;

template <typename AttrT>
static Attribute parseInBrackets(AsmParser &parser) {
  if (parser.parseLess()) {
    return {};
  }
  AttrT attribute = AttrT::parseBody(parser);
  return !attribute || parser.parseGreater() ? AttrT() : attribute;
}

template <typename AttrT>
static void printInBrackets(AttrT attribute, AsmPrinter &printer) {
  printer << '<';
  attribute.printBody(printer);
  printer << '>';
}

Attribute LayoutAttr::parse(AsmParser &parser, Type) { return parseInBrackets<LayoutAttr>(parser); }
void LayoutAttr::print(AsmPrinter &printer) const { printInBrackets(*this, printer); }
Attribute TilesAttr::parse(AsmParser &parser, Type) { return parseInBrackets<TilesAttr>(parser); }
void TilesAttr::print(AsmPrinter &printer) const { printInBrackets(*this, printer); }
Attribute PortAttr::parse(AsmParser &parser, Type) { return parseInBrackets<PortAttr>(parser); }
void PortAttr::print(AsmPrinter &printer) const { printInBrackets(*this, printer); }
Attribute ArgAttr::parse(AsmParser &parser, Type) { return parseInBrackets<ArgAttr>(parser); }
void ArgAttr::print(AsmPrinter &printer) const { printInBrackets(*this, printer); }

//===----------------------------------------------------------------------===//
// #plan.layout
//===----------------------------------------------------------------------===//

LayoutAttr LayoutAttr::parseBody(AsmParser &parser) {
  StringRef name;
  SMLoc at = parser.getCurrentLocation();
  std::optional<LayoutKind> kind =
      succeeded(parser.parseOptionalKeyword(&name)) ? symbolizeLayoutKind(name) : std::nullopt;
  if (!kind) {
    parser.emitError(at,
                     "expected a layout: row_major, panels(width), dots(width) or in_place(width)");
    return {};
  }
  int64_t width = 0;
  if (*kind != LayoutKind::RowMajor &&
      (parser.parseLParen() || parser.parseInteger(width) || parser.parseRParen())) {
    return {};
  }
  return get(parser.getContext(), *kind, width);
}

void LayoutAttr::printBody(AsmPrinter &printer) const {
  printer << stringifyLayoutKind(getKind());
  if (getKind() != LayoutKind::RowMajor) {
    printer << '(' << getWidth() << ')';
  }
}

//===----------------------------------------------------------------------===//
// #plan.tiles
//===----------------------------------------------------------------------===//

TilesAttr TilesAttr::parseBody(AsmParser &parser) {
  MLIRContext *context = parser.getContext();
  int64_t times = 1, factor = 1, divisor = 1, plus = 0;
  OptionalParseResult number = parser.parseOptionalInteger(times);
  if (number.has_value()) {
    if (failed(*number)) {
      return {};
    }
    if (failed(parser.parseOptionalStar())) {
      return get(context, StringAttr(), 1, 1, 1, times);
    }
  }
  std::string size;
  if (parser.parseKeyword("ceil") || parser.parseLParen() || parser.parseKeywordOrString(&size) ||
      (succeeded(parser.parseOptionalStar()) && parser.parseInteger(factor)) ||
      (succeeded(parser.parseOptionalSlash()) && parser.parseInteger(divisor)) ||
      parser.parseRParen() ||
      (succeeded(parser.parseOptionalPlus()) && parser.parseInteger(plus))) {
    return {};
  }
  return get(context, StringAttr::get(context, size), factor, divisor, times, plus);
}

void TilesAttr::printBody(AsmPrinter &printer) const {
  if (!getSize()) {
    printer << getPlus();
    return;
  }
  if (getTimes() != 1) {
    printer << getTimes() << " * ";
  }
  printer << "ceil(";
  printer.printKeywordOrString(getSize());
  if (getFactor() != 1) {
    printer << " * " << getFactor();
  }
  if (getDivisor() != 1) {
    printer << " / " << getDivisor();
  }
  printer << ')';
  if (getPlus() != 0) {
    printer << " + " << getPlus();
  }
}

//===----------------------------------------------------------------------===//
// #plan.port
//===----------------------------------------------------------------------===//

PortAttr PortAttr::parseBody(AsmParser &parser) {
  MLIRContext *context = parser.getContext();
  SMLoc begin = parser.getCurrentLocation();
  std::string name, size;
  Type type;
  int64_t columns = 0;
  if (parser.parseKeywordOrString(&name) || parser.parseColon() || parser.parseType(type) ||
      parser.parseLSquare() || parser.parseKeywordOrString(&size) || parser.parseComma() ||
      parser.parseInteger(columns) || parser.parseRSquare()) {
    return {};
  }
  return getChecked([&] { return parser.emitError(begin); }, context,
                    StringAttr::get(context, name), type, StringAttr::get(context, size), columns);
}

void PortAttr::printBody(AsmPrinter &printer) const {
  printer.printKeywordOrString(getName());
  printer << ": " << getType() << " [";
  printer.printKeywordOrString(getSize());
  printer << ", " << getColumns() << ']';
}

LogicalResult PortAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringAttr name,
                               Type type, StringAttr, int64_t columns) {
  if (!dtypeOf(type)) {
    return emitError() << "'" << name.getValue() << "' has type " << type
                       << ", which plans do not have; hint: f32, bf16, i32, …";
  }
  if (columns < 1) {
    return emitError() << "'" << name.getValue() << "' has " << columns
                       << " columns, expected at least 1";
  }
  return success();
}

//===----------------------------------------------------------------------===//
// #plan.arg
//===----------------------------------------------------------------------===//

/// What is within the parentheses of an argument of this kind.
static ParseResult parsePlace(AsmParser &parser, ArgKind kind, Attribute &name, int64_t &number) {
  switch (kind) {
  case ArgKind::Arena:
  case ArgKind::Formal:
    return failure(parser.parseLParen() || parser.parseInteger(number) || parser.parseRParen());
  case ArgKind::Parameter:
  case ArgKind::Scales: {
    StringAttr symbol;
    if (parser.parseLParen() || parser.parseSymbolName(symbol) || parser.parseRParen()) {
      return failure();
    }
    name = FlatSymbolRefAttr::get(symbol);
    return success();
  }
  case ArgKind::Input:
  case ArgKind::Output: {
    std::string text;
    if (parser.parseLParen() || parser.parseKeywordOrString(&text) || parser.parseRParen()) {
      return failure();
    }
    name = StringAttr::get(parser.getContext(), text);
    return success();
  }
  case ArgKind::Cache:
  case ArgKind::PageTable:
    return success();
  }
  return failure();
}

ArgAttr ArgAttr::parseBody(AsmParser &parser) {
  SMLoc begin = parser.getCurrentLocation();
  StringRef keyword;
  if (parser.parseKeyword(&keyword)) {
    return {};
  }
  std::optional<ArgKind> kind = symbolizeArgKind(keyword);
  if (!kind) {
    parser.emitError(begin) << "'" << keyword
                            << "' is no argument; hint: arena(…), formal(…), param(@…), "
                               "scales(@…), input(…), output(…), cache or page_table";
    return {};
  }
  Attribute name;
  int64_t number = 0;
  if (parsePlace(parser, *kind, name, number)) {
    return {};
  }
  return getChecked([&] { return parser.emitError(begin); }, parser.getContext(), *kind, name,
                    number);
}

void ArgAttr::printBody(AsmPrinter &printer) const {
  printer << stringifyArgKind(getKind());
  if (auto symbol = dyn_cast_or_null<FlatSymbolRefAttr>(getName())) {
    printer << '(' << symbol << ')';
  } else if (auto port = dyn_cast_or_null<StringAttr>(getName())) {
    printer << '(';
    printer.printKeywordOrString(port);
    printer << ')';
  } else if (getKind() == ArgKind::Arena || getKind() == ArgKind::Formal) {
    printer << '(' << getNumber() << ')';
  }
}

LogicalResult ArgAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArgKind kind, Attribute,
                              int64_t number) {
  int64_t most = kind == ArgKind::Formal ? std::numeric_limits<int32_t>::max()
                                         : std::numeric_limits<int64_t>::max();
  if (number < 0 || number > most) {
    return emitError() << stringifyArgKind(kind) << "(" << number
                       << "): expected a number from 0 to " << most;
  }
  return success();
}
