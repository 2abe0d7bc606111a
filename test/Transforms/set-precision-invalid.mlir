// RUN: dsv3-opt %s --split-input-file --dsv3-set-precision=policy=bf16 --verify-diagnostics
// RUN: not dsv3-opt %s --split-input-file --dsv3-set-precision=policy=w4 2>&1 | FileCheck %s
// RUN: not dsv3-opt %s --split-input-file --dsv3-set-precision=cache-type=f8 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not dsv3-opt %s --split-input-file --dsv3-set-precision="policy=w8a8 cache-type=f16" 2>&1 | FileCheck %s --check-prefix=OTHER
// A policy that there is not is refused by name; so is a module that has one already.

// CHECK: error: --policy: expected f32, bf16 or w8a8, found 'w4'; hint: f32 is the default, and exact

// TYPE: error: --cache-type: expected f32, bf16 or f16, found 'f8'; hint: leave it out for what the policy says
// OTHER: error: --cache-type: policy w8a8 keeps a cache of bf16, but f16 was asked for; hint: leave it out, or take policy f32

#T = #dsv3.dims<"T">

// expected-error @below {{expected f32 activations and cache before a policy is set, found 'tensor<?x128xbf16, #dsv3.dims<"T">>'; import the model again}}
func.func @activations(%x: tensor<?x128xbf16, #T>) {
  return
}

// -----

// expected-error @below {{expected f32 activations and cache before a policy is set, found '!dsv3.cache<bf16}}
func.func @cache(%x: !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 128, requests = 1>) {
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
dsv3.parameter @gu : tensor<16x128x128xbf16> from [#dsv3.segment<"gu{expert}", shape = [128, 128], rows = 128>]
dsv3.parameter @d : tensor<16x128x64xbf16> from [#dsv3.segment<"d{expert}", shape = [128, 64], rows = 128>]
func.func @experts(%x: !x, %e: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>) {
  %gu = dsv3.weight @gu : tensor<16x128x128xbf16>
  %d = dsv3.weight @d : tensor<16x128x64xbf16>
  // expected-error @below {{expected the products of experts one by one, found 'dsv3.experts'; run dsv3-lower-experts first}}
  %y = dsv3.experts %x, %e, %w, %gu, %d : !x, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>, tensor<16x128x128xbf16>, tensor<16x128x64xbf16>
  return
}
