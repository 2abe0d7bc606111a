//===- OpsStructure.cpp - definitions and launches ------------------------===//
//
// Assembly and verifiers of the ops of OpsStructure.td.
//
//===----------------------------------------------------------------------===//
#include "Graph/ShapeCheck.h"
#include "Kernel/Kernel.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace dsv3;
using namespace dsv3::kern;
using dsv3::graph::ShapeCheck;
using dsv3::graph::spell;

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
      parseKeyworded(parser, "maxima", properties.maxima) ||
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
  if (getMaximaAttr()) {
    printer << " maxima " << getMaximaAttr();
  }
  if (getConfigsAttr()) {
    printer << " configs " << getConfigsAttr();
  }
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getKindAttrName(), getFamilyAttrName(), getSizesAttrName(),
       getMaximaAttrName(), getConfigsAttrName(), getNumInputsAttrName()});
  printer << ' ';
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

/// Core op, family and named sizes of a definition of phase kernels.
static void checkKernel(ShapeCheck &check, DefOp definition) {
  Operation *core = definition.getCore();
  StringRef found = core ? core->getName().stripDialect() : "none";
  if (!core || definition.getFamily() != found) {
    (void)check.fail("a core op of family '" + definition.getFamily().value_or("none") + "'",
                     "'" + found + "'");
    return;
  }
  for (Operation &op : definition.getBody().front()) {
    if (&op != core && !isa<ViewOp, YieldOp>(op)) {
      (void)check.fail("views besides the core op '" + core->getName().getStringRef() + "'",
                       "'" + op.getName().getStringRef() + "'", "one kernel has one core op");
      return;
    }
  }
  auto yield = cast<YieldOp>(definition.getBody().front().getTerminator());
  if (!llvm::equal(yield.getValues(), core->getResults())) {
    (void)check.fail("the results of the core op to be yielded, in order", "other values");
    return;
  }
  llvm::SetVector<StringRef> names;
  if (definition.getSizesAttr()) {
    names.insert_range(definition.getSizesAttr().getAsValueRange<StringAttr>());
  }
  for (Type type : definition.getBody().getArgumentTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    auto dims =
        tensor ? dyn_cast_or_null<graph::DimsAttr>(tensor.getEncoding()) : graph::DimsAttr();
    for (StringAttr name : dims ? dims.getNames() : ArrayRef<StringAttr>()) {
      StringRef base = graph::DimsAttr::split(name).first;
      if (!names.contains(base)) {
        (void)check.fail("'sizes' to have the size '" + base + "' of an argument",
                         "[" + llvm::join(names, ", ") + "]");
        return;
      }
    }
  }
}

static void checkConfigs(ShapeCheck &check, DictionaryAttr configs) {
  for (NamedAttribute variant : configs) {
    auto fields = dyn_cast<DictionaryAttr>(variant.getValue());
    auto tiles = fields ? fields.getAs<DenseI64ArrayAttr>("tiles") : DenseI64ArrayAttr();
    auto scratch = fields ? fields.getAs<IntegerAttr>("scratch") : IntegerAttr();
    if (!tiles || tiles.size() != 5 || !scratch || scratch.getInt() < 0) {
      (void)check.fail("five 'tiles' and bytes of 'scratch' in the configuration of '" +
                           variant.getName().getValue() + "'",
                       !tiles || tiles.size() != 5 ? "other tiles" : "other scratch",
                       "kern-configure writes them");
    }
  }
}

LogicalResult DefOp::verify() {
  ShapeCheck check(*this);
  Block &block = getBody().front();
  auto inputs = int64_t(getNumInputs());
  if (inputs < 0 || inputs > int64_t(block.getNumArguments())) {
    return check.fail("a number of inputs of the " + Twine(block.getNumArguments()) + " arguments",
                      Twine(inputs));
  }
  for (BlockArgument destination : getDestinations()) {
    if (!isa<RankedTensorType>(destination.getType())) {
      return check.fail("tensors as destinations", spell(destination.getType()),
                        "a cache is an input");
    }
  }
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (!yield) {
    return check.fail("a kern.yield at the end", "none");
  }
  if (yield.getValues().size() != getDestinations().size()) {
    return check.fail("a value for each of " + Twine(getDestinations().size()) + " destinations",
                      Twine(yield.getValues().size()));
  }
  for (auto [destination, value] : llvm::zip_equal(getDestinations(), yield.getValues())) {
    if (destination.getType() != value.getType()) {
      return check.fail("a value of the destination's type, " + spell(destination.getType()),
                        spell(value.getType()));
    }
  }
  if (getFamily() || getCore()) {
    checkKernel(check, *this);
  }
  if (getConfigsAttr()) {
    checkConfigs(check, getConfigsAttr());
  }
  return check.result();
}

LogicalResult GroupOp::verify() {
  ShapeCheck check(*this);
  Block &block = getBody().front();
  auto yield = block.empty() ? YieldOp() : dyn_cast<YieldOp>(block.back());
  if (!yield) {
    return check.fail("a kern.yield at the end", "none");
  }
  if (yield.getValues().getTypes() != getOutputs().getTypes()) {
    auto text = [](TypeRange types) {
      return "(" + llvm::join(llvm::map_range(types, [](Type type) { return spell(type); }), ", ") +
             ")";
    };
    return check.fail("values of the results' types, " + text(getOutputs().getTypes()),
                      text(yield.getValues().getTypes()));
  }
  return check.result();
}

//===----------------------------------------------------------------------===//
// kern.view
//===----------------------------------------------------------------------===//

LogicalResult ViewOp::verify() {
  ShapeCheck check(*this);
  auto source = cast<RankedTensorType>(getSource().getType());
  auto type = cast<RankedTensorType>(getResult().getType());
  auto headed = [](RankedTensorType tensor) { return tensor.getRank() == 3; };
  SmallVector<StringRef> sourceLetters{"T", "n"};
  if (headed(source)) {
    sourceLetters = {"T", "h", "n"};
  }
  check.shape("source", getSource(), sourceLetters);
  SmallVector<StringRef> letters{"T", "columns"};
  if (headed(type)) {
    letters = {"T", "heads", "columns"};
  }
  check.shape("result", getResult(), letters);
  check.element("result", getResult(), source.getElementType());
  if (!check.ok()) {
    return failure();
  }
  if (isa<DefOp>((*this)->getParentOp()) && !isa<BlockArgument>(getSource())) {
    return check.fail("an argument of the kern.def",
                      "a result of '" + getSource().getDefiningOp()->getName().getStringRef() + "'",
                      "view the argument itself");
  }
  if (ShapedType::isDynamicShape(type.getShape().drop_front()) ||
      ShapedType::isDynamicShape(source.getShape().drop_front())) {
    return check.fail("numbers of columns",
                      spell(graph::extentsOf(source)) + " and " + spell(graph::extentsOf(type)));
  }
  auto offset = int64_t(getOffset()), stride = int64_t(getStride());
  if (headed(type) ? stride <= 0 : stride != 0) {
    return check.fail(headed(type) ? "a stride above 0 between heads" : "no stride without heads",
                      Twine(stride));
  }
  int64_t columns = 1;
  for (int64_t size : source.getShape().drop_front()) {
    columns *= size;
  }
  int64_t width = type.getShape().back(), heads = headed(type) ? type.getDimSize(1) : 1;
  // Compared without sums, which a file could make overflow.
  bool fits = offset >= 0 && width <= columns && offset <= columns - width &&
              (heads == 1 || (columns - width - offset) / (heads - 1) >= stride);
  if (!fits) {
    return check.fail("columns within the " + Twine(columns) + " of 'source'",
                      "offset " + Twine(offset) + ", " + Twine(heads) + " heads at stride " +
                          Twine(stride) + " of " + Twine(width) + " columns");
  }
  return check.result();
}

/// A view of everything.
OpFoldResult ViewOp::fold(FoldAdaptor) {
  auto type = cast<RankedTensorType>(getType());
  bool whole = getSource().getType() == type && getOffset() == 0 &&
               (type.getRank() < 3 || int64_t(getStride()) == type.getDimSize(2));
  return whole ? getSource() : Value();
}

//===----------------------------------------------------------------------===//
// kern.launch
//===----------------------------------------------------------------------===//

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  ShapeCheck check(*this);
  llvm::SmallDenseSet<Value> destinations;
  for (auto [index, destination] : llvm::enumerate(getDestinations())) {
    if (!destinations.insert(destination).second) {
      return check.fail("a destination for each result", "destination " + Twine(index) + " twice",
                        "give each a kern.empty of its own");
    }
  }
  auto definition = symbols.lookupNearestSymbolFrom<DefOp>(*this, getCalleeAttr());
  if (!definition) {
    return check.fail("a kern.def", "none of the name @" + getCallee());
  }
  auto compare = [&](StringRef what, TypeRange wanted, TypeRange found) {
    if (wanted.size() != found.size()) {
      (void)check.fail(Twine(wanted.size()) + " " + what + "s of @" + getCallee(),
                       Twine(found.size()));
      return;
    }
    for (auto [index, types] : llvm::enumerate(llvm::zip_equal(wanted, found))) {
      auto [want, have] = types;
      if (want != have) {
        (void)check.fail(what + " " + Twine(index) + " of @" + getCallee() + " to be " +
                             spell(want),
                         spell(have));
      }
    }
  };
  TypeRange types = definition.getBody().getArgumentTypes();
  auto inputs = size_t(definition.getNumInputs());
  if (inputs > types.size()) {
    return failure(); // the definition's own verifier says it
  }
  compare("input", types.take_front(inputs), getInputs().getTypes());
  compare("destination", types.drop_front(inputs), getDestinations().getTypes());
  compare("result", types.drop_front(inputs), getOutputs().getTypes());
  return check.result();
}

void LaunchOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  for (OpOperand &operand : getInputsMutable()) {
    if (isa<graph::CacheType>(operand.get().getType())) {
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    }
  }
}
