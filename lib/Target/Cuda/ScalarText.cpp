//===- ScalarText.cpp - scalar regions as functors ------------------------===//
//
// A region becomes a struct: the pointers of its operands, and a call that loads them
// as their access kinds say, computes op by op what the scalar table has for each, and
// returns or stores what the region yields.
//
//===----------------------------------------------------------------------===//
#include "KernelText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace dsv3::cuda {

/// The table's text for an op, with A, B and T in it.
static StringRef templateOf(StringRef op) {
#define DSV3_SCALAR_OP(NAME, ARITY, VALUE, CPU, CUDA)                                              \
  if (op == NAME) {                                                                                \
    return CUDA;                                                                                   \
  }
#include "dsv3/Support/ScalarOps.def"
  llvm_unreachable("the verifier knows the table");
}

static std::string filledIn(StringRef text, StringRef a, StringRef b, StringRef type) {
  std::string result;
  for (char c : text) {
    if (c == 'A') {
      result += a;
    } else if (c == 'B') {
      result += b;
    } else if (c == 'T') {
      result += type;
    } else {
      result += c;
    }
  }
  return result;
}

/// "x[at.row * 128 + at.column]": an operand at the place `at`.
static std::string placeText(const KernelText &kernel, Value value, kern::AccessKind access) {
  std::string name = kernel.name(value);
  switch (access) {
  case kern::AccessKind::Row:
    return name + "[at.row]";
  case kern::AccessKind::Column:
    return name + "[at.column]";
  case kern::AccessKind::Group:
    return name + "[at.group]";
  case kern::AccessKind::Element:
    break;
  }
  KernelText::Strides of = KernelText::strides(value);
  bool heads = cast<RankedTensorType>(value.getType()).getRank() == 3;
  std::string index = llvm::formatv("at.row * {0}", of.row);
  index += heads ? llvm::formatv(" + at.head * {0}", of.head).str() : "";
  index += of.offset ? llvm::formatv(" + {0}", of.offset).str() : "";
  return name + "[" + index + " + at.column]";
}

/// The members of a functor: each pointer once.
static std::vector<std::string> members(const KernelText &kernel, ValueRange inputs,
                                        ValueRange destinations, bool declare) {
  std::vector<std::string> lines;
  llvm::StringSet<> known;
  auto add = [&](Value value) {
    std::string name = kernel.name(value);
    if (known.insert(name).second) {
      lines.push_back(declare ? kernel.element(value) + " *" + name : name);
    }
  };
  llvm::for_each(inputs, add);
  llvm::for_each(destinations, add);
  return lines;
}

namespace {
/// Writes the body of a functor's call.
class BodyText {
public:
  BodyText(const KernelText &kernel, Region &region) : kernel(kernel), region(region) {}

  void name(Value value, std::string text) { values[value] = std::move(text); }
  std::string operand(Value value) const { return values.lookup(value); }
  /// A line that `op` stands for.
  void line(Operation *op, const Twine &text) {
    lines += kernel.linesOf(op, ("    " + text + "\n").str());
  }
  void compute();

  std::string lines;

private:
  const KernelText &kernel;
  Region &region;
  llvm::DenseMap<Value, std::string> values;
  int count = 0;
};
} // namespace

void BodyText::compute() {
  for (Operation &op : region.front().without_terminator()) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      double value = cast<FloatAttr>(constant.getValue()).getValueAsDouble();
      std::string text = floatText(value);
      name(constant.getResult(), std::signbit(value) ? "(" + text + ")" : text);
      continue;
    }
    std::string a = operand(op.getOperand(0));
    std::string b = op.getNumOperands() > 1 ? operand(op.getOperand(1)) : "";
    std::string type = typeText(op.getResult(0).getType());
    std::string result = "v" + std::to_string(count++);
    line(&op, type + " " + result + " = " +
                  filledIn(templateOf(op.getName().getStringRef()), a, b, type) + ";");
    name(op.getResult(0), result);
  }
}

std::string functorText(const KernelText &kernel, StringRef name, Region &region, ValueRange inputs,
                        ArrayRef<int32_t> access, const FunctorLead &lead,
                        const FunctorResult &result) {
  Operation *core = region.getParentOp(), *yield = region.front().getTerminator();
  BodyText body(kernel, region);
  size_t ofLead = lead.arguments.size();
  for (auto [index, argument] : llvm::enumerate(region.getArguments())) {
    size_t firstInput = lead.first ? ofLead : 0;
    bool loaded = index >= firstInput && index < firstInput + inputs.size();
    if (!loaded) {
      body.name(argument, lead.arguments[lead.first ? index : index - inputs.size()]);
      continue;
    }
    size_t input = index - firstInput;
    if (argument.use_empty()) {
      continue;
    }
    std::string loadedName = "e" + std::to_string(input);
    body.line(core,
              typeText(argument.getType()) + " " + loadedName + " = " +
                  placeText(kernel, inputs[input], static_cast<kern::AccessKind>(access[input])) +
                  ";");
    body.name(argument, loadedName);
  }
  body.compute();
  ValueRange yielded = yield->getOperands();
  for (auto [destination, value] : llvm::zip(result.destinations, yielded)) {
    body.line(yield, placeText(kernel, destination, kern::AccessKind::Element) + " = " +
                         body.operand(value) + ";");
  }
  if (result.returns) {
    body.line(yield, "return " + body.operand(yielded.back()) + ";");
  }
  std::string text = llvm::formatv("struct {0} {{\n", name);
  for (const std::string &member : members(kernel, inputs, result.destinations, true)) {
    text += "  " + member + ";\n";
  }
  bool placed = lead.placed || !inputs.empty() || !result.destinations.empty();
  std::string parameters = placed ? "Place at" : "";
  if (!lead.parameter.empty()) {
    parameters += (parameters.empty() ? "" : ", ") + lead.parameter;
  }
  text += llvm::formatv("  __device__ {0} operator()({1}) const {{\n",
                        result.returns ? typeText(yielded.back().getType()) : "void", parameters);
  return kernel.linesOf(core, text) + body.lines + kernel.linesOf(core, "  }\n};\n") + "\n";
}

std::string functorValue(const KernelText &kernel, StringRef name, ValueRange inputs,
                         ValueRange destinations) {
  return (name + "{" + llvm::join(members(kernel, inputs, destinations, false), ", ") + "}").str();
}

} // namespace dsv3::cuda
