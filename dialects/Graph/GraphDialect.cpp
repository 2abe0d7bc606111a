//===- GraphDialect.cpp - registration of the dsv3 dialect ----------------===//
//
// Registers what TableGen made, and verifies types that are no op's business.
//
//===----------------------------------------------------------------------===//
#include "Graph/ShapeCheck.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace dsv3::graph;

#include "Graph/GraphDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Graph/GraphTypes.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Graph/GraphAttrs.cpp.inc"

#define GET_OP_CLASSES
#include "Graph/GraphOps.cpp.inc"

void GraphDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "Graph/GraphTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Graph/GraphAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Graph/GraphOps.cpp.inc"
      >();
}

/// The least and most tokens of a step, which come with the sizes.
static LogicalResult verifyEntryTokens(ShapeCheck &check, DictionaryAttr entry) {
  auto tokens = [&](StringRef key) {
    auto number = entry.getAs<IntegerAttr>(key);
    return number && number.getType().isInteger(64) ? number.getInt() : 0;
  };
  int64_t least = tokens(entryMinTokensKey), most = tokens(entryMaxTokensKey);
  if (least < 1 || most < least) {
    return check.fail("'" + entryMinTokensKey + "' and '" + entryMaxTokensKey + "' of '" +
                          entryAttrName + "' to be i64, from 1 on, the least first",
                      spell(entry), "write min_tokens = 1, max_tokens = 512");
  }
  return success();
}

/// A role that sessions ask for; sizes that each have one maximum, and tokens of a step, or
/// neither.
static LogicalResult verifyEntry(ShapeCheck &check, Attribute attribute) {
  auto entry = dyn_cast<DictionaryAttr>(attribute);
  auto role = entry ? entry.getAs<StringAttr>(entryRoleKey) : StringAttr();
  if (!role || (role != "step" && role != "mtp")) {
    return check.fail("'" + entryAttrName + "' to be a dictionary with role \"step\" or \"mtp\"",
                      spell(attribute), "write {role = \"step\"}");
  }
  for (NamedAttribute field : entry) {
    StringRef key = field.getName();
    if (key != entryRoleKey && key != entryMinTokensKey && key != entryMaxTokensKey &&
        key != entrySizesKey) {
      return check.fail("keys role, min_tokens, max_tokens and sizes in '" + entryAttrName + "'",
                        "'" + key + "'");
    }
  }
  auto sizes = entry.getAs<ArrayAttr>(entrySizesKey);
  if (!entry.contains(entrySizesKey)) {
    return entry.size() == 1
               ? success()
               : check.fail("'" + entrySizesKey + "' of '" + entryAttrName + "' beside its tokens",
                            "none", "dsv3-make-entry-points writes all of them");
  }
  if (!sizes || !llvm::all_of(sizes, llvm::IsaPred<SizeAttr>)) {
    return check.fail("sizes of '" + entryAttrName + "' to be #dsv3.size",
                      spell(entry.get(entrySizesKey)), "write #dsv3.size<\"T\", max = 512>");
  }
  llvm::SmallDenseSet<Attribute> names;
  for (auto size : sizes.getAsRange<SizeAttr>()) {
    if (!names.insert(size.getName()).second) {
      return check.fail("each size of '" + entryAttrName + "' once",
                        "'" + size.getName().getValue() + "' twice");
    }
  }
  return verifyEntryTokens(check, entry);
}

/// Attributes of functions and modules that passes read.
LogicalResult GraphDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  ShapeCheck check(op);
  StringRef name = attribute.getName();
  Attribute value = attribute.getValue();
  if (name == entryAttrName) {
    return verifyEntry(check, value);
  }
  if (name == layersAttrName) {
    auto layers = dyn_cast<DenseI64ArrayAttr>(value);
    return layers && areLayers(layers)
               ? success()
               : check.fail("'" + name + "' to be layers, ascending, each once", spell(value),
                            "write array<i64: 3, 4>");
  }
  if (name == attentionAttrName) {
    auto form = dyn_cast<StringAttr>(value);
    return form && (form == "absorbed" || form == "expanded")
               ? success()
               : check.fail("'" + name + "' to be \"absorbed\" or \"expanded\"", spell(value));
  }
  if (name == policyAttrName || name == identityAttrName) {
    return isa<StringAttr>(value) ? success()
                                  : check.fail("'" + name + "' to be a string", spell(value));
  }
  if (name == scaleFormatAttrName) {
    auto format = dyn_cast<StringAttr>(value);
    return format && format.getValue() == scaleFormatUe8m0
               ? success()
               : check.fail("'" + name + "' to be \"" + scaleFormatUe8m0 + "\"", spell(value),
                            "leave it out for scales that are any number");
  }
  if (name == scaleBlockAttrName) {
    auto block = dyn_cast<DenseI64ArrayAttr>(value);
    return block && block.size() == 2 && block[0] > 0 && block[1] > 0
               ? success()
               : check.fail("'" + name + "' to be rows and columns of a block of scales",
                            spell(value), "write array<i64: 128, 128>");
  }
  return success();
}

LogicalResult SizeAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringAttr name,
                               int64_t max) {
  if (max <= 0) {
    return emitError() << "the maximum of size '" << name.getValue() << "' must be at least 1, got "
                       << max;
  }
  return success();
}

LogicalResult CacheType::verify(function_ref<InFlightDiagnostic()> emitError, Type elementType,
                                int64_t latent, int64_t rope, int64_t page, int64_t context,
                                int64_t requests) {
  if (!isa<Float32Type, Float64Type, BFloat16Type, Float16Type, Float8E4M3FNType>(elementType)) {
    return emitError() << "a cache keeps floating-point values, got " << elementType
                       << "; hint: use f32, bf16 or f8E4M3FN";
  }
  const std::pair<StringRef, int64_t> sizes[] = {{"latent", latent},
                                                 {"rope", rope},
                                                 {"page", page},
                                                 {"context", context},
                                                 {"requests", requests}};
  for (auto [name, value] : sizes) {
    if (value <= 0) {
      return emitError() << "a cache's '" << name << "' must be at least 1, got " << value;
    }
  }
  return success();
}
