// RUN: dsv3-opt %s --split-input-file --verify-diagnostics
// One case for each diagnostic of FP8 rows, prologues and quantise stages: the rule, both values, where it is, a hint.

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @codes_without_scales(%q: !q, %w: !w, %s: tensor<1x1xf32>, %o: !x) {
  // expected-error @below {{'kern.gemm' op expected a_scales with the FP8 codes of 'a', found none, in @codes_without_scales; hint: dsv3.quantise gives codes and scales}}
  %y = kern.gemm ins(%q, %w scales %s block [128, 128] : !q, !w, tensor<1x1xf32>) outs(%o : !x) epilogue() [] {
  ^bb0(%e: f32):
    %n = arith.truncf %e : f32 to bf16
    kern.yield %n : bf16
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @codes_and_prologue(%q: !q, %t: tensor<?x1xf32, #T>, %w: !w, %s: tensor<1x1xf32>, %o: !x) {
  // expected-error @below {{'kern.gemm' op expected no region 'prologue' with quantised activations, whose products are of codes, found a prologue, in @codes_and_prologue}}
  %y = kern.gemm ins(%q scales %t, %w scales %s block [128, 128] : !q scales tensor<?x1xf32, #T>, !w, tensor<1x1xf32>) outs(%o : !x) prologue {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } epilogue() [] {
  ^bb0(%e: f32):
    %n = arith.truncf %e : f32 to bf16
    kern.yield %n : bf16
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @prologue_arguments(%x: !x, %w: !w, %s: tensor<1x1xf32>, %o: !x) {
  // expected-error @below {{'kern.gemm' op expected arguments (f32) of region 'prologue', found (f32, f32), in @prologue_arguments}}
  %y = kern.gemm ins(%x, %w scales %s block [128, 128] : !x, !w, tensor<1x1xf32>) outs(%o : !x) prologue {
  ^bb0(%e: f32, %f: f32):
    kern.yield %e : f32
  } epilogue() [] {
  ^bb0(%e: f32):
    %n = arith.truncf %e : f32 to bf16
    kern.yield %n : bf16
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @epilogue_type(%x: !x, %w: !w, %s: tensor<1x1xf32>, %o: !x) {
  // expected-error @below {{'kern.gemm' op expected region 'epilogue' to yield (bf16), found (f32), in @epilogue_type}}
  %y = kern.gemm ins(%x, %w scales %s block [128, 128] : !x, !w, tensor<1x1xf32>) outs(%o : !x) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @stage_without_scales(%x: !x, %w: !w, %s: tensor<1x1xf32>, %q: !q) {
  // expected-error @below {{'kern.gemm' op expected a destination and a result for the scales of 'quantise', found none, in @stage_without_scales}}
  %y = kern.gemm ins(%x, %w scales %s block [128, 128] : !x, !w, tensor<1x1xf32>) outs(%q : !q) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } quantise group 128 -> !q
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @scales_without_stage(%x: !x, %w: !w, %s: tensor<1x1xf32>, %q: !q, %t: tensor<?x1xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected no destination or result for scales without 'quantise', found one of them, in @scales_without_stage}}
  %y:2 = kern.gemm ins(%x, %w scales %s block [128, 128] : !x, !w, tensor<1x1xf32>) outs(%q, %t : !q, tensor<?x1xf32, #T>) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } -> !q, tensor<?x1xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @stage_group(%x: !x, %w: !w, %s: tensor<1x1xf32>, %q: !q, %t: tensor<?x1xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'group' above 0, found 0, in @stage_group; hint: published models have group 128}}
  %y:2 = kern.gemm ins(%x, %w scales %s block [128, 128] : !x, !w, tensor<1x1xf32>) outs(%q, %t : !q, tensor<?x1xf32, #T>) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } quantise group 0 -> !q, tensor<?x1xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @stage_scales(%x: !x, %w: !w, %s: tensor<1x1xf32>, %q: !q, %t: tensor<?x1xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'scales' to be [T, ceil(N/64)] with ceil(N/64) = 2, found [T, 1], in @stage_scales}}
  %y:2 = kern.gemm ins(%x, %w scales %s block [128, 128] : !x, !w, tensor<1x1xf32>) outs(%q, %t : !q, tensor<?x1xf32, #T>) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } quantise group 64 -> !q, tensor<?x1xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @heads_stage(%h: tensor<?x4x16xbf16, #T>, %w: tensor<4x32x16xbf16>, %q: !q, %t: tensor<?x1xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected whole groups of 128 columns in each head, found 32 columns, in @heads_stage; hint: quantise the heads in a kernel of its own}}
  %y:2 = kern.gemm ins(%h, %w : tensor<?x4x16xbf16, #T>, tensor<4x32x16xbf16>) outs(%q, %t : !q, tensor<?x1xf32, #T>) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } quantise group 128 -> !q, tensor<?x1xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @codes_of_heads(%h: tensor<?x4x16xbf16, #T>, %w: tensor<4x32x16xbf16>, %q: tensor<?x96xf8E4M3FN, #T>, %t: tensor<?x4xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'codes' to be [T, h * N] with h * N = 128, found [T, 96], in @codes_of_heads}}
  %y:2 = kern.gemm ins(%h, %w : tensor<?x4x16xbf16, #T>, tensor<4x32x16xbf16>) outs(%q, %t : tensor<?x96xf8E4M3FN, #T>, tensor<?x4xf32, #T>) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } quantise group 32 -> tensor<?x96xf8E4M3FN, #T>, tensor<?x4xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @codes_to_heads(%h: tensor<?x4x128xf8E4M3FN, #T>, %c: tensor<?x4xf32, #T>, %w: tensor<4x32x128xf8E4M3FN>, %s: tensor<4x1x1xf32>, %o: tensor<?x4x32xbf16, #T>) {
  // expected-error @below {{'kern.gemm' op expected no quantised activations in a product with heads, found scales, in @codes_to_heads; hint: widen 'a' first}}
  %y = kern.gemm ins(%h scales %c, %w scales %s block [32, 128] : tensor<?x4x128xf8E4M3FN, #T> scales tensor<?x4xf32, #T>, tensor<4x32x128xf8E4M3FN>, tensor<4x1x1xf32>) outs(%o : tensor<?x4x32xbf16, #T>) epilogue() [] {
  ^bb0(%e: f32):
    %b = arith.truncf %e : f32 to bf16
    kern.yield %b : bf16
  } -> tensor<?x4x32xbf16, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @rowwise_stage(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected a result for each of 1 destinations, found 1, in @rowwise_stage; hint: 'quantise' writes codes and scales}}
  %y = kern.rowwise ins(%x : !x) [element] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%e: bf16):
    kern.yield %e : bf16
  } quantise group 128 -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!q = tensor<?x128xf8E4M3FN, #T>
!w = tensor<128x128xf8E4M3FN>
func.func @rowwise_codes(%x: !x, %t: tensor<?x1xf32, #T>) {
  // expected-error @below {{'kern.rowwise' op expected elements of 'codes' to be f8E4M3FN or i8, found bf16, in @rowwise_codes}}
  %y:2 = kern.rowwise ins(%x : !x) [element] outs(%x, %t : !x, tensor<?x1xf32, #T>) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%e: bf16):
    kern.yield %e : bf16
  } quantise group 128 -> !x, tensor<?x1xf32, #T>
  return
}
