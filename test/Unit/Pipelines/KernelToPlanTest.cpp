//===- KernelToPlanTest.cpp - what is said about modules to plan ----------===//
//
// What a module that a person changed can lack besides what
// test/Conversion/kernel-to-plan-invalid.mlir shows, and the remark on one that is planned.
// Plans of modules: test/Conversion/kernel-to-plan.mlir and CompilerTest.
//
//===----------------------------------------------------------------------===//
#include "dsv3/Conversion/KernelToPlan.h"
#include "dsv3/Tools/Registration.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace dsv3;

namespace {

/// The module of one kernel and one entry that launches it. Each part can be replaced.
struct Text {
  std::string configs = R"(configs {"x86-64-v3" = {rows = 1 : i64, scratch = 0 : i64, )"
                        R"(tiles = array<i64: 0, 1, 1, 1, 0>}})";
  std::string size = "T";
  std::string entry =
      R"(attributes {dsv3.entry = {max_tokens = 4 : i64, )"
      R"(min_tokens = 1 : i64, role = "step", sizes = [#dsv3.size<"T", max = 4>]}})";
  std::string named = R"({dsv3.name = "hidden"})";
  std::string result = "%y", resultType = "!y", body;

  std::string module() const {
    return "#S = #dsv3.dims<\"" + size + "\">\n" + R"(
!x = tensor<?x128xf32, #S>
!y = tensor<?x256xf32, #S>
kern.def @twice kind "twice" family "concat" sizes [")" +
           size + R"("] ins(%x: !x) outs(%o: !y) )" + configs + R"( {
  %y = kern.concat ins(%x, %x : !x, !x) outs(%o : !y) -> !y
  kern.yield %y : !y
}
func.func @decode(%x: !x )" +
           named + ") -> (" + resultType + " " + named + ") " + entry + R"( {
  %e = kern.empty : !y
  %y = kern.launch @twice ins(%x : !x) outs(%e : !y) -> !y
  )" + body +
           "\n  return " + result + " : " + resultType + "\n}\n";
  }
};

/// What is said about a module.
struct Said {
  std::string errors; ///< empty if it is planned
  std::string remarks;
};

Said saidOf(const std::string &text) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  EXPECT_TRUE(succeeded(remark::enableOptimizationRemarks(
      context, nullptr, std::make_unique<remark::RemarkEmittingPolicyAll>(),
      {.all = std::nullopt,
       .passed = std::nullopt,
       .missed = std::nullopt,
       .analysis = "dsv3",
       .failed = std::nullopt},
      /*printAsEmitRemarks=*/true)));
  Said said;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    bool remark = diagnostic.getSeverity() == DiagnosticSeverity::Remark;
    (remark ? said.remarks : said.errors) += diagnostic.str() + "\n";
  });
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  EXPECT_TRUE(module) << said.errors << text;
  if (!module) {
    return {"does not parse", ""};
  }
  bool planned = succeeded(planModule(*module));
  EXPECT_EQ(planned, said.errors.empty()) << said.errors;
  return said;
}

} // namespace

#define EXPECT_SAYS(text, word) EXPECT_PRED_FORMAT2(testing::IsSubstring, word, saidOf(text).errors)

TEST(KernelToPlan, PlansTheModuleThatTheOthersAreMadeOf) {
  EXPECT_EQ(saidOf(Text().module()).errors, "");
}

TEST(KernelToPlan, WantsSizesOfTheEntry) {
  Text text;
  text.entry = R"(attributes {dsv3.entry = {role = "step"}})";
  EXPECT_SAYS(text.module(), "entry without sizes; run dsv3-make-entry-points first");
  text = Text();
  text.size = "Q";
  EXPECT_SAYS(text.module(), "size 'Q' is not one of any entry's sizes");
}

TEST(KernelToPlan, WantsNamedPorts) {
  Text text;
  text.named = "";
  EXPECT_SAYS(text.module(), "expected ports with a name and a named number of rows");
}

TEST(KernelToPlan, WantsAResultOfItsOwn) {
  Text text;
  text.result = "%x", text.resultType = "!x";
  EXPECT_SAYS(text.module(), "expected each result to be a buffer of its own");
}

TEST(KernelToPlan, WantsLaunchesAlone) {
  Text text;
  text.body = "%z = dsv3.add %y, %y : !y";
  EXPECT_SAYS(text.module(), "'dsv3.add' cannot be planned; expected launches and calls of layers");
}

/// Two buffers of 4 rows of 256 numbers, one after the other.
TEST(KernelToPlan, SaysWhatReuseSaves) {
  Text text;
  text.body = R"(
  %e1 = kern.empty : !y
  %y1 = kern.launch @twice ins(%x : !x) outs(%e1 : !y) -> !y
  %e2 = kern.empty : !y
  %y2 = kern.launch @twice ins(%x : !x) outs(%e2 : !y) -> !y
)";
  Said said = saidOf(text.module());
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "[Analysis] kernels-to-plan", said.remarks);
  EXPECT_PRED_FORMAT2(testing::IsSubstring, "Function=decode", said.remarks);
  EXPECT_PRED_FORMAT2(testing::IsSubstring,
                      "an arena of 4096 bytes; 8192 if no two buffers shared bytes", said.remarks);
}
