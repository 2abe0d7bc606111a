// RUN: dsv3-opt %s --split-input-file --dsv3-set-precision --verify-diagnostics
// RUN: not dsv3-opt %s --split-input-file --dsv3-set-precision=policy=w4 2>&1 | FileCheck %s
// A policy without code is refused by name; so is a module that is not of the policy.

// CHECK: error: expected the precision policy f32, found 'w4'; hint: leave --policy out: there is code for f32 alone

#T = #dsv3.dims<"T">

// expected-error @below {{policy f32 expects f32 activations and cache, found 'tensor<?x128xbf16, #dsv3.dims<"T">>'; import the model again}}
func.func @activations(%x: tensor<?x128xbf16, #T>) {
  return
}

// -----

// expected-error @below {{policy f32 expects f32 activations and cache, found '!dsv3.cache<bf16}}
func.func @cache(%x: !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 128, requests = 1>) {
  return
}
