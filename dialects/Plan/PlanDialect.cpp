//===- PlanDialect.cpp - registration of the plan dialect -----------------===//
//
// Registers what TableGen made, and the assembly that ops have in common: names, and
// lists of attributes without their dialect's prefix.
//
//===----------------------------------------------------------------------===//
#include "Plan/Plan.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dsv3;
using namespace dsv3::planir;

#include "Plan/PlanDialect.cpp.inc"
#include "Plan/PlanEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Plan/PlanAttrs.cpp.inc"

Type planir::typeOf(DType type, MLIRContext *context) {
  // A Type's spelling is its name in the table of element types.
  return parseType(name(type), context);
}

std::optional<DType> planir::dtypeOf(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return dtypeFromName(text);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static ParseResult parseName(OpAsmParser &parser, StringAttr &name) {
  std::string text;
  if (parser.parseKeywordOrString(&text)) {
    return failure();
  }
  name = parser.getBuilder().getStringAttr(text);
  return success();
}

static void printName(OpAsmPrinter &printer, Operation *, StringAttr name) {
  printer.printKeywordOrString(name);
}

static ParseResult parseNames(OpAsmParser &parser, ArrayAttr &names) {
  SmallVector<Attribute> list;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
        StringAttr name;
        ParseResult parsed = parseName(parser, name);
        list.push_back(name);
        return parsed;
      })) {
    return failure();
  }
  names = parser.getBuilder().getArrayAttr(list);
  return success();
}

static void printNames(OpAsmPrinter &printer, Operation *, ArrayAttr names) {
  printer << '[';
  llvm::interleaveComma(names.getAsValueRange<StringAttr>(), printer,
                        [&](StringRef name) { printer.printKeywordOrString(name); });
  printer << ']';
}

//===----------------------------------------------------------------------===//
// Lists of attributes
//===----------------------------------------------------------------------===//

template <typename AttrT>
static ParseResult parseBodies(OpAsmParser &parser, AsmParser::Delimiter delimiter,
                               ArrayAttr &attributes) {
  SmallVector<Attribute> list;
  if (parser.parseCommaSeparatedList(delimiter, [&]() -> ParseResult {
        list.push_back(AttrT::parseBody(parser));
        return success(list.back() != nullptr);
      })) {
    return failure();
  }
  attributes = parser.getBuilder().getArrayAttr(list);
  return success();
}

template <typename AttrT>
static void printBodies(OpAsmPrinter &printer, ArrayAttr attributes) {
  llvm::interleaveComma(attributes.getAsRange<AttrT>(), printer,
                        [&](AttrT attribute) { attribute.printBody(printer); });
}

static ParseResult parseLayouts(OpAsmParser &parser, ArrayAttr &layouts) {
  return parseBodies<LayoutAttr>(parser, AsmParser::Delimiter::Square, layouts);
}
static void printLayouts(OpAsmPrinter &printer, Operation *, ArrayAttr layouts) {
  printer << '[';
  printBodies<LayoutAttr>(printer, layouts);
  printer << ']';
}

static ParseResult parseTileList(OpAsmParser &parser, ArrayAttr &tiles) {
  return parseBodies<TilesAttr>(parser, AsmParser::Delimiter::Square, tiles);
}
static void printTileList(OpAsmPrinter &printer, Operation *, ArrayAttr tiles) {
  printer << '[';
  printBodies<TilesAttr>(printer, tiles);
  printer << ']';
}

static ParseResult parsePorts(OpAsmParser &parser, ArrayAttr &ports) {
  return parseBodies<PortAttr>(parser, AsmParser::Delimiter::Square, ports);
}
static void printPorts(OpAsmPrinter &printer, Operation *, ArrayAttr ports) {
  printer << '[';
  printBodies<PortAttr>(printer, ports);
  printer << ']';
}

static ParseResult parseArgs(OpAsmParser &parser, ArrayAttr &args) {
  return parseBodies<ArgAttr>(parser, AsmParser::Delimiter::Paren, args);
}
static void printArgs(OpAsmPrinter &printer, Operation *, ArrayAttr args) {
  printer << '(';
  printBodies<ArgAttr>(printer, args);
  printer << ')';
}

//===----------------------------------------------------------------------===//
// Layers and maxima
//===----------------------------------------------------------------------===//

/// Far more layers than any model has; keeps `0 to 999999999999` from using memory.
static constexpr int64_t mostLayers = 1 << 16;

/// ` layers [0, 3 to 60]`, or nothing.
static ParseResult parseLayers(OpAsmParser &parser, DenseI64ArrayAttr &layers) {
  SmallVector<int64_t> list;
  auto parseRange = [&]() -> ParseResult {
    SMLoc location = parser.getCurrentLocation();
    int64_t first = 0, last = 0;
    if (parser.parseInteger(first)) {
      return failure();
    }
    last = first;
    if (succeeded(parser.parseOptionalKeyword("to")) && parser.parseInteger(last)) {
      return failure();
    }
    if (first < 0 || last < first || last >= mostLayers || int64_t(list.size()) > mostLayers) {
      return parser.emitError(location) << "expected ascending layers below " << mostLayers
                                        << ", found " << first << " to " << last;
    }
    for (int64_t layer = first; layer <= last; ++layer) {
      list.push_back(layer);
    }
    return success();
  };
  if (succeeded(parser.parseOptionalKeyword("layers")) &&
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseRange)) {
    return failure();
  }
  layers = parser.getBuilder().getDenseI64ArrayAttr(list);
  return success();
}

static void printLayers(OpAsmPrinter &printer, Operation *, DenseI64ArrayAttr layers) {
  ArrayRef<int64_t> rest = layers.asArrayRef();
  if (rest.empty()) {
    return;
  }
  printer << " layers [";
  for (bool comma = false; !rest.empty(); comma = true) {
    size_t run = 1;
    while (run < rest.size() && rest[run] == rest[run - 1] + 1) {
      ++run;
    }
    printer << (comma ? ", " : "") << rest.front();
    if (run > 1) {
      printer << " to " << rest[run - 1];
    }
    rest = rest.drop_front(run);
  }
  printer << ']';
}

/// `(T = 16, O = 4)`; a dictionary keeps its names in order.
static ParseResult parseMaxima(OpAsmParser &parser, DictionaryAttr &maxima) {
  NamedAttrList list;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&]() -> ParseResult {
        SMLoc location = parser.getCurrentLocation();
        std::string name;
        int64_t value = 0;
        if (parser.parseKeywordOrString(&name) || parser.parseEqual() ||
            parser.parseInteger(value)) {
          return failure();
        }
        if (name.empty() || list.get(name)) {
          return parser.emitError(location)
                 << "expected a size once, found '" << name << "' again or without a name";
        }
        list.append(name, parser.getBuilder().getI64IntegerAttr(value));
        return success();
      })) {
    return failure();
  }
  maxima = list.getDictionary(parser.getContext());
  return success();
}

static void printMaxima(OpAsmPrinter &printer, Operation *, DictionaryAttr maxima) {
  printer << '(';
  llvm::interleaveComma(maxima, printer, [&](NamedAttribute maximum) {
    printer.printKeywordOrString(maximum.getName());
    printer << " = " << cast<IntegerAttr>(maximum.getValue()).getInt();
  });
  printer << ')';
}

#define GET_OP_CLASSES
#include "Plan/PlanOps.cpp.inc"

void PlanDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Plan/PlanAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Plan/PlanOps.cpp.inc"
      >();
}
