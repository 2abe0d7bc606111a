//===- OpsStructure.cpp - definitions and launches ------------------------===//
//
// Assembly and verifiers of the ops of OpsStructure.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/Extent.h"
#include "Kernel/Kernel.h"

using namespace mlir;
using namespace dsv3;
using namespace dsv3::kern;

//===----------------------------------------------------------------------===//
// kern.def
//===----------------------------------------------------------------------===//

ArrayRef<BlockArgument> DefOp::getInputs() {
  return ArrayRef<BlockArgument>(getBody().getArguments()).take_front(getNumInputs());
}
ArrayRef<BlockArgument> DefOp::getDestinations() {
  return ArrayRef<BlockArgument>(getBody().getArguments()).drop_front(getNumInputs());
}

Operation *DefOp::getCore() {
  for (Operation &op : getBody().front()) {
    if (isCore(&op)) {
      return &op;
    }
  }
  return nullptr;
}

DictionaryAttr DefOp::getConfig(StringRef variant) {
  DictionaryAttr configs = getConfigsAttr();
  return configs ? configs.getAs<DictionaryAttr>(variant) : DictionaryAttr();
}

/// An attribute after its keyword; leaves `attribute` null without the keyword.
template <typename AttrT>
static ParseResult parseKeyworded(OpAsmParser &parser, StringRef keyword, AttrT &attribute) {
  if (failed(parser.parseOptionalKeyword(keyword))) {
    return success();
  }
  return parser.parseAttribute(attribute);
}

ParseResult DefOp::parse(OpAsmParser &parser, OperationState &result) {
  Properties &properties = result.getOrAddProperties<Properties>();
  StringAttr name;
  SmallVector<OpAsmParser::Argument> arguments, destinations;
  if (parser.parseSymbolName(name) || parser.parseKeyword("kind") ||
      parser.parseAttribute(properties.kind) ||
      parseKeyworded(parser, "family", properties.family) ||
      parseKeyworded(parser, "sizes", properties.sizes) || parser.parseKeyword("ins") ||
      parser.parseArgumentList(arguments, OpAsmParser::Delimiter::Paren, /*allowType=*/true) ||
      parser.parseKeyword("outs") ||
      parser.parseArgumentList(destinations, OpAsmParser::Delimiter::Paren, /*allowType=*/true) ||
      parseKeyworded(parser, "configs", properties.configs) ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes)) {
    return failure();
  }
  properties.sym_name = name;
  properties.num_inputs = parser.getBuilder().getI64IntegerAttr(int64_t(arguments.size()));
  arguments.append(destinations);
  return parser.parseRegion(*result.addRegion(), arguments);
}

void DefOp::print(OpAsmPrinter &printer) {
  printer << ' ';
  printer.printSymbolName(getSymName());
  printer << " kind " << getKindAttr();
  if (getFamilyAttr()) {
    printer << " family " << getFamilyAttr();
  }
  if (getSizesAttr()) {
    printer << " sizes " << getSizesAttr();
  }
  auto printArguments = [&](StringRef keyword, ArrayRef<BlockArgument> arguments) {
    printer << ' ' << keyword << '(';
    llvm::interleaveComma(arguments, printer,
                          [&](BlockArgument argument) { printer.printRegionArgument(argument); });
    printer << ')';
  };
  printArguments("ins", getInputs());
  printArguments("outs", getDestinations());
  if (getConfigsAttr()) {
    printer << " configs " << getConfigsAttr();
  }
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getSymNameAttrName(), getKindAttrName(), getFamilyAttrName(),
                            getSizesAttrName(), getConfigsAttrName(), getNumInputsAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

LogicalResult DefOp::verify() { return success(); }
LogicalResult GroupOp::verify() { return success(); }
LogicalResult ViewOp::verify() { return success(); }

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &) { return success(); }

void LaunchOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : getInputsMutable()) {
    if (isa<graph::CacheType>(operand.get().getType())) {
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    }
  }
}
