// RUN: dsv3-opt %s --split-input-file --dsv3-narrow-activations=activations=int8 --verify-diagnostics
// RUN: not dsv3-opt %s --split-input-file --dsv3-narrow-activations=activations=int4 2>&1 | FileCheck %s
// Activations that there are not are refused by name; so is a module that none of them suits.

// CHECK: error: activations: expected f32, bf16 or int8, found 'int4'; hint: f32 is the default, and exact

#T = #dsv3.dims<"T">
// expected-error @below {{expected products with weights of i8 or i4 for int8 activations, found none; hint: encode them, with --weights=int8}}
module attributes {dsv3.policy = "f32"} {
  dsv3.parameter @w : tensor<128x128xbf16> from [#dsv3.segment<"w", shape = [128, 128], rows = 128>]
  func.func @forward(%x: tensor<?x128xf32, #T>) -> tensor<?x128xf32, #T> {
    %w = dsv3.weight @w : tensor<128x128xbf16>
    %y = dsv3.linear %x, %w : tensor<?x128xf32, #T>, tensor<128x128xbf16> -> tensor<?x128xf32, #T>
    return %y : tensor<?x128xf32, #T>
  }
}

// -----

// expected-error @below {{expected precision policy f32 before activations are narrowed, found bf16; hint: run dsv3-set-precision first}}
module attributes {dsv3.policy = "bf16"} {
}
