//===- InterpreterTest.cpp - entries and inputs that cannot be run --------===//
//
// What the caller of the interpreter can get wrong. What modules can is shown by
// test/Reference/invalid.mlir and test/Tools/interpret-run.test.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Reference/Interpreter.h"
#include "dsv3/Tools/Registration.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace dsv3;
using namespace dsv3::reference;

namespace {

/// What is said where `entry` of a small module is run; empty if it gives its input back.
std::string refusal(StringRef entry, const std::map<std::string, Tensor> &inputs) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  auto module = parseSourceString<ModuleOp>(R"(
!x = tensor<?x2xf32, #dsv3.dims<"T">>
func.func @decode(%x: !x {dsv3.name = "x"}, %y: !x {dsv3.name = "y"}) -> (!x {dsv3.name = "z"})
    attributes {dsv3.entry = {role = "step"}} {
  return %x : !x
}
func.func @nameless(%x: !x) attributes {dsv3.entry = {role = "step"}} {
  return
}
func.func @inner(%x: !x {dsv3.name = "x"}) {
  return
}
func.func private @declared() attributes {dsv3.entry = {role = "step"}}
)",
                                            &context);
  EXPECT_TRUE(module);
  std::string said;
  ScopedDiagnosticHandler handler(&context,
                                  [&](Diagnostic &diagnostic) { said += diagnostic.str(); });
  Interpreter machine(*module, {}, Precision::F32);
  auto outputs = machine.run(entry, inputs);
  EXPECT_EQ(succeeded(outputs), said.empty());
  if (succeeded(outputs)) {
    EXPECT_EQ(outputs->at("z").shape(), inputs.at("x").shape());
  }
  return said;
}

TEST(Interpreter, RunsEntriesAlone) {
  Tensor x({3, 2});
  EXPECT_EQ(refusal("decode", {{"x", x}, {"y", x}}), "");
  for (const char *name : {"absent", "inner", "declared"}) {
    EXPECT_EQ(refusal(name, {{"x", x}}),
              "no entry @" + std::string(name) + "; run an earlier or later phase");
  }
}

TEST(Interpreter, WantsEachInputInItsShape) {
  Tensor x({3, 2});
  std::string expected = R"(expected an input "y" of type 'tensor<?x2xf32, #dsv3.dims<"T">>')";
  EXPECT_EQ(refusal("decode", {{"x", x}}), expected);
  EXPECT_EQ(refusal("decode", {{"x", x}, {"y", Tensor({3, 3})}}), expected);
  EXPECT_EQ(refusal("decode", {{"x", x}, {"y", Tensor({6})}}), expected);
  // A named size is the same for all inputs.
  EXPECT_EQ(refusal("decode", {{"x", x}, {"y", Tensor({4, 2})}}), expected);
  EXPECT_NE(refusal("nameless", {{"x", x}}), "");
}

} // namespace
