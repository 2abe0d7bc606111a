//===- KernelBase.td - the kern dialect ------------------------*- tablegen -*-===//
#ifndef DSV3_KERNEL_BASE
#define DSV3_KERNEL_BASE

include "Graph/GraphBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/RegionKindInterface.td"

def Kernel_Dialect : Dialect {
  let name = "kern";
  let cppNamespace = "::dsv3::kern";
  let summary = "Fused kernels: one core op, scalar regions around it, a configuration";
  let description = [{
    A `kern.def` is one launch. Its body says what it computes: first as dsv3 ops
    (phase fused), then as one core op with scalar regions (phase kernels), which the
    interpreter runs and code generators print. Core ops take destinations. Scalar
    regions hold only float constants and the ops of the closed scalar table
    (dsv3/Support/ScalarOps.def).
  }];
  let dependentDialects = ["::dsv3::graph::GraphDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def Kernel_AccessKind : I32EnumAttr<"AccessKind", "how a scalar region sees an operand", [
    I32EnumAttrCase<"Element", 0, "element">, I32EnumAttrCase<"Row", 1, "row">,
    I32EnumAttrCase<"Column", 2, "column">, I32EnumAttrCase<"Group", 3, "group">]> {
  let cppNamespace = "::dsv3::kern";
}

def Kernel_Reduction : I32EnumAttr<"Reduction", "how contributions of a row are combined", [
    I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Add", 1, "add">]> {
  let cppNamespace = "::dsv3::kern";
}

class Kernel_Op<string mnemonic, list<Trait> traits = []> : Op<Kernel_Dialect, mnemonic, traits>;

#endif // DSV3_KERNEL_BASE
