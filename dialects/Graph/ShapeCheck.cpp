//===- ShapeCheck.cpp - constraints of one op -----------------------------===//
#include "Graph/ShapeCheck.h"

#include "dsv3/Support/WeightEncoding.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace dsv3::graph {

std::string spell(const APFloat &value) {
  SmallString<16> text;
  value.toString(text);
  return text.str().str();
}

std::string spell(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

std::string spell(Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  return text;
}

LogicalResult ShapeCheck::fail(const Twine &expected, const Twine &found, const Twine &hint) {
  if (passed) {
    InFlightDiagnostic diagnostic = op->emitOpError("expected ") << expected << ", found " << found;
    diagnostic << modelPath(op);
    if (!hint.isTriviallyEmpty()) {
      diagnostic << "; hint: " << hint;
    }
  }
  passed = false;
  return failure();
}

std::optional<DType> codesOf(Type element) {
  return isa<Float8E4M3FNType>(element) ? std::optional(DType::F8E4M3)
         : element.isInteger(8)         ? std::optional(DType::I8)
         : element.isInteger(4)         ? std::optional(DType::I4)
                                        : std::nullopt;
}

bool areRowCodes(Type element) { return isa<Float8E4M3FNType>(element) || element.isInteger(8); }

RankedTensorType scalesTypeOf(Type codes, SmallVector<int64_t> shape) {
  ScaleForm form = *scaleForm(*codesOf(codes));
  if (form.numbers > 1) {
    shape.push_back(form.numbers);
  }
  Builder builder(codes.getContext());
  return RankedTensorType::get(shape, form.type == DType::F16 ? builder.getF16Type()
                                                              : Type(builder.getF32Type()));
}

bool isBlockOf(DType codes, ArrayRef<int64_t> block) {
  return !isScaledAlongRows(codes) || block == ArrayRef<int64_t>(encodingBlock(codes));
}

bool areLayers(ArrayRef<int64_t> layers) {
  return !layers.empty() && layers[0] >= 0 &&
         llvm::is_sorted(layers, [](int64_t a, int64_t b) { return a <= b; });
}

LogicalResult inferenceError(std::optional<Location> location, StringRef opName,
                             const Twine &expected, const Twine &found, const Twine &hint) {
  return emitOptionalError(location, "'", opName, "' op expected ", expected, ", found ", found,
                           hint.isTriviallyEmpty() ? "" : "; hint: ", hint);
}

void ShapeCheck::let(StringRef letter, Extent extent, StringRef source) {
  bindings[letter] = {extent, source.str()};
}

Extent ShapeCheck::operator[](StringRef letter) const { return bindings.lookup(letter).extent; }

int64_t ShapeCheck::number(StringRef letter) const {
  Extent extent = (*this)[letter];
  return extent.isStatic() ? extent.value : 0;
}

void ShapeCheck::cache(CacheType type) {
  let("c", type.getLatent(), "as in the cache");
  let("r", type.getRope(), "as in the cache");
}

void ShapeCheck::shape(StringRef name, Value value, ArrayRef<StringRef> letters) {
  if (!passed) {
    return;
  }
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<Extent> extents = extentsOf(type);
  std::string wanted = "[" + llvm::join(letters, ", ") + "]";
  if (extents.size() != letters.size()) {
    (void)fail("'" + name + "' to be " + wanted, spell(extents));
    return;
  }
  for (auto [extent, letter] : llvm::zip_equal(extents, letters)) {
    if (extent == Extent()) {
      (void)fail("a name for each '?' of '" + name + "'", spell(type),
                 "write #dsv3.dims<\"T\"> for the tokens of a step");
      return;
    }
    auto [known, isNew] = bindings.try_emplace(letter);
    if (isNew) {
      known->second = {extent, ("as in '" + name + "'").str()};
      continue;
    }
    const Binding &binding = known->second;
    if (binding.extent != extent) {
      std::string source = binding.source.empty() ? "" : " (" + binding.source + ")";
      (void)fail("'" + name + "' to be " + wanted + " with " + letter + " = " +
                     spell(binding.extent) + source,
                 spell(extents));
      return;
    }
  }
}

void ShapeCheck::element(StringRef name, Value value, Type type) {
  Type found = cast<RankedTensorType>(value.getType()).getElementType();
  if (passed && found != type) {
    (void)fail("elements of '" + name + "' to be " + spell(type), spell(found));
  }
}

void ShapeCheck::activations(StringRef name, Value value, Value scales, Value weight,
                             std::optional<ArrayRef<int64_t>> block, StringRef rows,
                             StringRef columns) {
  shape(name, value, {rows, columns});
  auto elementOf = [](Value of) { return cast<RankedTensorType>(of.getType()).getElementType(); };
  bool fp8 = isa<Float8E4M3FNType>(elementOf(value)), coded = areRowCodes(elementOf(value));
  if (passed && elementOf(value).isInteger() && !coded) {
    (void)fail("'" + name + "' of floats, or of codes of FP8 or i8", spell(elementOf(value)));
  }
  if (!passed) {
    return;
  }
  std::string scalesName = (name + "_scales").str(), codes = fp8 ? "FP8 codes" : "i8 codes";
  if (coded != bool(scales)) {
    (void)fail(coded ? Twine(scalesName) + " with the " + codes + " of '" + name + "'"
                     : "no " + Twine(scalesName) + ", '" + name + "' being no codes",
               coded ? "none" : scalesName, "dsv3.quantise gives codes and scales");
    return;
  }
  if (!coded) {
    return;
  }
  std::string wanted = fp8 ? "an FP8 weight" : "a weight of i8 or i4";
  if (!block || block->size() != 2 || (*block)[1] <= 0) {
    (void)fail(wanted + " with the " + codes + " of '" + name + "'", "a weight without a block",
               "widen '" + name + "' first");
    return;
  }
  std::optional<DType> weightCodes = codesOf(elementOf(weight));
  if (!weightCodes || fp8 != (*weightCodes == DType::F8E4M3)) {
    (void)fail(wanted + " with the " + codes + " of '" + name + "'", spell(elementOf(weight)),
               "widen '" + name + "' first");
    return;
  }
  std::string groups = ("ceil(" + columns + "/" + Twine((*block)[1]) + ")").str();
  let(groups, int64_t(llvm::divideCeil(number(columns), (*block)[1])));
  shape(scalesName, scales, {rows, groups});
  element(scalesName, scales, Float32Type::get(op->getContext()));
}

void ShapeCheck::quantised(Value codes, Value scales, int64_t group, StringRef rows,
                           StringRef columns) {
  if (group <= 0) {
    (void)fail("'group' above 0", Twine(group), "published models have group 128");
    return;
  }
  shape("codes", codes, {rows, columns});
  Type element = cast<RankedTensorType>(codes.getType()).getElementType();
  if (passed && !areRowCodes(element)) {
    (void)fail("elements of 'codes' to be f8E4M3FN or i8", spell(element));
  }
  if (passed && element.isInteger() && op->hasAttr("ue8m0")) {
    (void)fail("no 'ue8m0' with codes of i8", "ue8m0", "scales of i8 are no powers of two");
  }
  std::string groups = ("ceil(" + columns + "/" + Twine(group) + ")").str();
  let(groups, int64_t(llvm::divideCeil(number(columns), group)));
  shape("scales", scales, {rows, groups});
  this->element("scales", scales, Float32Type::get(op->getContext()));
}

void ShapeCheck::weight(StringRef name, Value value, ArrayRef<StringRef> letters, Value scales,
                        std::optional<ArrayRef<int64_t>> block, StringRef scalesName) {
  shape(name, value, letters);
  auto type = cast<RankedTensorType>(value.getType());
  if (passed && !type.hasStaticShape()) {
    (void)fail("numbers as the sizes of '" + name + "'", spell(extentsOf(type)));
  }
  if (!passed) {
    return;
  }
  std::optional<DType> codes = codesOf(type.getElementType());
  bool coded = codes.has_value();
  if (coded != (scales && block) || coded != (scales || block)) {
    (void)fail(coded ? "scales and block of '" + name + "', which holds codes"
                     : "neither scales nor block, '" + name + "' holding no codes",
               scales  ? "scales"
               : block ? "a block"
                       : "none",
               !coded                      ? "leave `scales … block …` out"
               : isScaledAlongRows(*codes) ? "write `scales %s block [1, 32]`"
                                           : "write `scales %s block [128, 128]`");
    return;
  }
  if (!coded) {
    return;
  }
  if (block->size() != 2 || (*block)[0] <= 0 || (*block)[1] <= 0 || !isBlockOf(*codes, *block)) {
    bool fixed = isScaledAlongRows(*codes);
    (void)fail(
        (fixed ? "block [1, 32] of '" : "a block of rows and columns of '") + name + "'",
        "[" + llvm::join(llvm::map_range(*block, [](int64_t n) { return Twine(n).str(); }), ", ") +
            "]",
        fixed ? "" : "published checkpoints have [128, 128]");
    return;
  }
  // Named like the constraint of dsv3.linear; each weight has letters of its own.
  SmallVector<std::string> formulas;
  SmallVector<Extent> sizes = extentsOf(type);
  size_t rank = sizes.size();
  for (auto [index, letter] : llvm::enumerate(letters)) {
    bool blocked = index + 2 >= rank;
    int64_t size = sizes[index].value;
    int64_t per = blocked ? (*block)[index + 2 - rank] : 1;
    formulas.push_back(blocked ? ("ceil(" + letter + "/" + Twine(per) + ")").str() : letter.str());
    let(formulas.back(), int64_t(llvm::divideCeil(size, per)));
  }
  ScaleForm form = *scaleForm(*codes);
  if (form.numbers > 1) {
    formulas.push_back(std::to_string(form.numbers));
    let(formulas.back(), form.numbers);
  }
  shape(scalesName, scales, llvm::to_vector(llvm::map_range(formulas, [](const std::string &text) {
          return StringRef(text);
        })));
  element(scalesName, scales, scalesTypeOf(type.getElementType(), {1}).getElementType());
}

} // namespace dsv3::graph
