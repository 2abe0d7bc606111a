//===- Passes.td - passes from one dialect to the next ---------*- tablegen -*-===//
#ifndef DSV3_CONVERSION_PASSES
#define DSV3_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertGraphToKernel : Pass<"convert-dsv3-to-kern", "::mlir::ModuleOp"> {
  let summary = "the body of every kern.def as one core op";
  let description = [{
    Turns the dsv3 ops of a definition into the core op of its family, with views for
    what it reads and scalar regions for what is done to single elements:

    ```mlir
    %p = dsv3.linear %x, %w
    %y = dsv3.add %r, %p
    ```
    becomes
    ```mlir
    %y = kern.gemm ins(%x, %w) outs(%o) epilogue(%r) [element] { … arith.addf … }
    ```
    The pass stops at the first definition that no core op computes, and names its ops.
  }];
  let dependentDialects = ["::dsv3::kern::KernelDialect", "::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

#endif // DSV3_CONVERSION_PASSES
