//===- Check.td - the check dialect, whole ---------------------*- tablegen -*-===//
#ifndef DSV3_CHECK
#define DSV3_CHECK

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Check_Dialect : Dialect {
  let name = "check";
  let cppNamespace = "::dsv3::check";
  let summary = "Assertions of tests that are written in IR";
  let description = [{
    A test is a function that makes its inputs with `check.constant` and says what it
    expects of results. `dsv3-interpret run FILE` runs it and reports every check that
    fails with its place in the file, both values and the index of the worst element.
    A NaN is equal and close to nothing.
  }];
}

class Check_Op<string mnemonic, list<Trait> traits = []> : Op<Check_Dialect, mnemonic, traits>;
class Check_ExpectOp<string mnemonic> : Check_Op<mnemonic, [SameOperandsElementType]>;

def Check_ConstantOp : Check_Op<"constant", [Pure]> {
  let summary = "a tensor that is written down";
  let description = [{
    `as` gives it another type with the same elements, for example one with named sizes.

    Constraints:
    1. The result differs from the constant's type in sizes that it leaves open only.
    2. There are at most 2^24 elements.

    ```mlir
    %x = check.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
    %y = check.constant dense<0.5> : tensor<3x2xf32> as tensor<?x2xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$value `` custom<As>(type($result), ref($value)) attr-dict";
  let hasVerifier = 1;
}

def Check_ExpectEqOp : Check_ExpectOp<"expect_eq"> {
  let summary = "each element equals the expected one";
  let description = [{
    Constraints:
    1. Both are tensors of one element type whose shapes can be equal.

    ```mlir
    check.expect_eq %experts, %expected : tensor<?x8xi32, #dsv3.dims<"T">>, tensor<2x8xi32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$actual, AnyRankedTensor:$expected);
  let assemblyFormat = [{
    $actual `,` $expected attr-dict `:` type($actual) `,` type($expected)
  }];
  let hasVerifier = 1;
}

def Check_ExpectCloseOp : Check_ExpectOp<"expect_close"> {
  let summary = "each element is close to the expected one";
  let description = [{
    `|actual[i] - expected[i]| <= atol + rtol * |expected[i]|`.

    Constraints:
    1. Both are tensors of one floating-point type whose shapes can be equal.
    2. `atol` and `rtol` are not negative.

    ```mlir
    check.expect_close %y, %expected atol 1.0e-06 rtol 1.0e-05 : tensor<?x4xf32, #dsv3.dims<"T">>, tensor<2x4xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$actual, RankedTensorOf<[AnyFloat]>:$expected,
                       F64Attr:$atol, F64Attr:$rtol);
  let assemblyFormat = [{
    $actual `,` $expected `atol` $atol `rtol` $rtol attr-dict
    `:` type($actual) `,` type($expected)
  }];
  let hasVerifier = 1;
}

def Check_ExpectAlmostConstantOp : Check_Op<"expect_almost_constant"> {
  let summary = "each element is close to one number";
  let description = [{
    `|actual[i] - value| <= atol`.

    Constraints:
    1. `atol` is not negative.

    ```mlir
    check.expect_almost_constant %y, 0.5 atol 1.0e-06 : tensor<?x4xf32, #dsv3.dims<"T">>
    ```
  }];
  let arguments = (ins RankedTensorOf<[AnyFloat]>:$actual, F64Attr:$value, F64Attr:$atol);
  let assemblyFormat = "$actual `,` $value `atol` $atol attr-dict `:` type($actual)";
  let hasVerifier = 1;
}

#endif // DSV3_CHECK
