// RUN: dsv3-opt %s --split-input-file --verify-diagnostics
// One case for each diagnostic of core ops: the rule, both values, where it is, a hint.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// Products.
func.func @gemm_parts(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'parts' above 0, found 0, in @gemm_parts}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) parts 0 epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_in_place(%a: !x, %w: tensor<64x128xf16>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected rows of f32 and a weight of bf16 in place, found f32 and f16, in @gemm_in_place}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xf16>) outs(%o : tensor<?x64xf32, #T>) epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } {in_place} -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_rows(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'weight' to be [parts * N, K] with parts * N = 128 (from 'outs' and 'parts'), found [64, 128], in @gemm_rows}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    kern.yield %g : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_arguments(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x32xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected an accumulator for each of 2 parts and an argument for each of 0 operands in region 'epilogue', found 1 arguments, in @gemm_arguments}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x32xf32, #T>) parts 2 epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @gemm_element(%a: tensor<?x128xf16, #T>, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected elements of 'a' to be f32 or bf16, found f16, in @gemm_element}}
  %y = kern.gemm ins(%a, %w : tensor<?x128xf16, #T>, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
!x = tensor<?x128xf32, #T>
func.func @gemm_result(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected a result of the destination's type, tensor<?x64xf32, #dsv3.dims<"T">>, found tensor<?x64xf32, #dsv3.dims<"O">>, in @gemm_result}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x64xf32, #O>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @gemm_heads(%a: tensor<?x4x16xf32, #T>, %w: tensor<5x32x16xbf16>, %o: tensor<?x4x32xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'weight' to be [h, parts * N, K] with h = 4 (as in 'a'), found [5, 32, 16], in @gemm_heads}}
  %y = kern.gemm ins(%a, %w : tensor<?x4x16xf32, #T>, tensor<5x32x16xbf16>) outs(%o : tensor<?x4x32xf32, #T>) epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x4x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_scales(%a: !x, %w: tensor<64x128xf8E4M3FN>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected scales and block of 'weight', which holds codes, found none, in @gemm_scales; hint: write `scales %s block [128, 128]`}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xf8E4M3FN>) outs(%o : tensor<?x64xf32, #T>) epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @grouped_parts(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %o: tensor<?x64xf32, #T4>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'parts' above 0, found -1, in @grouped_parts}}
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<17xi32> rows tensor<?xi32, #T4>) outs(%o : tensor<?x64xf32, #T4>) parts -1 epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T4>
  return
}

// -----

func.func @grouped_capacity(%a: tensor<160x128xf32>, %w: tensor<16x64x128xbf16>, %n: tensor<16xi32>, %o: tensor<160x64xf32>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'a' to be [T * k, K] with T * k = 144 ('capacity' for each expert of 'weight'), found [160, 128], in @grouped_capacity}}
  %y = kern.grouped_gemm ins(%a, %w, %n capacity 9 : tensor<160x128xf32>, tensor<16x64x128xbf16>, tensor<16xi32>) outs(%o : tensor<160x64xf32>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<160x64xf32>
  return
}

// -----

func.func @grouped_counts(%a: tensor<160x128xf32>, %w: tensor<16x64x128xbf16>, %n: tensor<17xi32>, %o: tensor<160x64xf32>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'offsets' to be [E] with E = 16 (as in 'weight'), found [17], in @grouped_counts}}
  %y = kern.grouped_gemm ins(%a, %w, %n capacity 10 : tensor<160x128xf32>, tensor<16x64x128xbf16>, tensor<17xi32>) outs(%o : tensor<160x64xf32>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<160x64xf32>
  return
}

// -----

func.func @grouped_no_capacity(%a: tensor<160x128xf32>, %w: tensor<16x64x128xbf16>, %n: tensor<16xi32>, %o: tensor<160x64xf32>) {
  // expected-error @below {{'kern.grouped_gemm' op expected a 'capacity' from 1 to 134217727 for 16 experts, found 0, in @grouped_no_capacity}}
  %y = kern.grouped_gemm ins(%a, %w, %n capacity 0 : tensor<160x128xf32>, tensor<16x64x128xbf16>, tensor<16xi32>) outs(%o : tensor<160x64xf32>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<160x64xf32>
  return
}

// -----

func.func @grouped_large_capacity(%a: tensor<4x1xf32>, %w: tensor<4x8x1xbf16>, %n: tensor<4xi32>, %o: tensor<4x8xf32>) {
  // expected-error @below {{'kern.grouped_gemm' op expected a 'capacity' from 1 to 536870911 for 4 experts, found 4611686018427387905, in @grouped_large_capacity}}
  %y = kern.grouped_gemm ins(%a, %w, %n capacity 4611686018427387905 : tensor<4x1xf32>, tensor<4x8x1xbf16>, tensor<4xi32>) outs(%o : tensor<4x8xf32>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<4x8xf32>
  return
}

// -----

func.func @grouped_capacity_of_any(%a: tensor<160x128xf32>, %w: tensor<?x64x128xbf16>, %n: tensor<16xi32>, %o: tensor<160x64xf32>) {
  // expected-error @below {{'kern.grouped_gemm' op expected a 'weight' [E, parts * N, K] of a known number of experts beside 'capacity', found}}
  %y = kern.grouped_gemm ins(%a, %w, %n capacity 10 : tensor<160x128xf32>, tensor<?x64x128xbf16>, tensor<16xi32>) outs(%o : tensor<160x64xf32>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<160x64xf32>
  return
}

// -----

func.func @grouped_capacity_of_rows(%a: tensor<160x128xf32>, %w: tensor<16x64x128xbf16>, %n: tensor<16xi32>, %r: tensor<160xi32>, %o: tensor<160x64xf32>) {
  // expected-error @below {{'kern.grouped_gemm' op expected no 'rows' beside 'capacity', found 'rows', in @grouped_capacity_of_rows}}
  %y = kern.grouped_gemm ins(%a, %w, %n rows %r capacity 10 : tensor<160x128xf32>, tensor<16x64x128xbf16>, tensor<16xi32> rows tensor<160xi32>) outs(%o : tensor<160x64xf32>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<160x64xf32>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @grouped_offsets(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<16xi32>, %r: tensor<?xi32, #T4>, %o: tensor<?x64xf32, #T4>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'offsets' to be [E + 1] with E + 1 = 17 (one more than the experts of 'weight'), found [16], in @grouped_offsets}}
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<16xi32> rows tensor<?xi32, #T4>) outs(%o : tensor<?x64xf32, #T4>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T4>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @grouped_entries(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %o: tensor<?x64xf32, #T4>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'outs' to be [T * k, N] with T * k = T (as in 'a'), found [T*4, 64], in @grouped_entries}}
  %y = kern.grouped_gemm ins(%a, %w, %off : !x, tensor<16x64x128xbf16>, tensor<17xi32>) outs(%o : tensor<?x64xf32, #T4>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T4>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @combine(%x: !x, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>) {
  // expected-error @below {{'kern.combine' op expected 'x' to be [T * k, H] with T * k = T*4 (the choices of a step), found [T, 128], in @combine}}
  %y = kern.combine ins(%x, %s, %w : !x, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) outs(%x : !x) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// What moves rows.
func.func @gather_table(%t: tensor<320x128xf8E4M3FN>, %i: tensor<?xi32, #T>, %o: !x) {
  // expected-error @below {{'kern.gather' op expected elements of 'table' to be f32, bf16 or f16, found f8E4M3FN, in @gather_table}}
  %y = kern.gather ins(%t, %i : tensor<320x128xf8E4M3FN>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
!x = tensor<?x128xf32, #T>
func.func @gather_rows(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #O>, %o: !x) {
  // expected-error @below {{'kern.gather' op expected 'outs' to be [O, H] with O = O (as in 'ids'), found [T, 128], in @gather_rows}}
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #O>) outs(%o : !x) -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @sample(%x: tensor<?x8xbf16, #T>, %s: tensor<?x7xi32, #T>, %o: tensor<?xi32, #T>) {
  // expected-error @below {{'kern.sample' op expected elements of 'x' to be f32, found bf16, in @sample}}
  %y = kern.sample ins(%x, %s : tensor<?x8xbf16, #T>, tensor<?x7xi32, #T>) outs(%o : tensor<?xi32, #T>) -> tensor<?xi32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @sample_words(%x: tensor<?x8xf32, #T>, %s: tensor<?xi32, #T>, %o: tensor<?xi32, #T>) {
  // expected-error @below {{'kern.sample' op expected 'rows' to be [O, W], found [T], in @sample_words}}
  %y = kern.sample ins(%x, %s : tensor<?x8xf32, #T>, tensor<?xi32, #T>) outs(%o : tensor<?xi32, #T>) -> tensor<?xi32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
func.func @sample_rows(%x: tensor<?x8xf32, #T>, %s: tensor<?x7xi32, #T>, %o: tensor<?xi32, #O>) {
  // expected-error @below {{'kern.sample' op expected 'outs' to be [O] with O = T (as in 'x'), found [O], in @sample_rows}}
  %y = kern.sample ins(%x, %s : tensor<?x8xf32, #T>, tensor<?x7xi32, #T>) outs(%o : tensor<?xi32, #O>) -> tensor<?xi32, #O>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @concat(%a: tensor<?x8xf32, #T>, %o: tensor<?x17xf32, #T>) {
  // expected-error @below {{'kern.concat' op expected 'outs' to be [T, m + n] with m + n = 16 (from 'lhs' and 'rhs'), found [T, 17], in @concat}}
  %y = kern.concat ins(%a, %a : tensor<?x8xf32, #T>, tensor<?x8xf32, #T>) outs(%o : tensor<?x17xf32, #T>) -> tensor<?x17xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @dispatch_rows(%e: tensor<?x4xi32, #T>, %o: tensor<17xi32>, %r: tensor<?xi32, #T>) {
  // expected-error @below {{'kern.dispatch' op expected 'rows' to be [T * k] with T * k = T*4 (from 'experts'), found [T], in @dispatch_rows}}
  %a, %b, %c = kern.dispatch ins(%e : tensor<?x4xi32, #T>) outs(%o, %r, %e : tensor<17xi32>, tensor<?xi32, #T>, tensor<?x4xi32, #T>) -> tensor<17xi32>, tensor<?xi32, #T>, tensor<?x4xi32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
func.func @dispatch_offsets(%e: tensor<?x4xi32, #T>, %o: tensor<1xi32>, %r: tensor<?xi32, #T4>) {
  // expected-error @below {{'kern.dispatch' op expected offsets of at least one expert, found 1, in @dispatch_offsets}}
  %a, %b, %c = kern.dispatch ins(%e : tensor<?x4xi32, #T>) outs(%o, %r, %e : tensor<1xi32>, tensor<?xi32, #T4>, tensor<?x4xi32, #T>) -> tensor<1xi32>, tensor<?xi32, #T4>, tensor<?x4xi32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @router(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>, %eo: tensor<?x9xi32, #T>, %wo: tensor<?x9xf32, #T>) {
  // expected-error @below {{'kern.router' op expected 'top_k' to fit into 2 groups of 4 experts, found 9, in @router}}
  %e, %w = kern.router ins(%l, %b : tensor<?x16xf32, #T>, tensor<16xf32>) outs(%eo, %wo : tensor<?x9xi32, #T>, tensor<?x9xf32, #T>) groups 4 of 2 scale 2.5 -> tensor<?x9xi32, #T>, tensor<?x9xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
// Attention.
func.func @rope_table(%p: tensor<?xi32, #T>, %o: tensor<?x4xf32, #T>) {
  // expected-error @below {{'kern.rope_table' op expected 'cos' to be [T, r/2] with r/2 = 2 (as in 'inverse_frequencies'), found [T, 4], in @rope_table}}
  %c, %s = kern.rope_table ins(%p : tensor<?xi32, #T>) outs(%o, %o : tensor<?x4xf32, #T>, tensor<?x4xf32, #T>) {inverse_frequencies = array<f32: 1.0, 0.1>, multiplier = 1.0 : f32} -> tensor<?x4xf32, #T>, tensor<?x4xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @rope_append(%q: tensor<?x4x8xf32, #T>, %kv: tensor<?x48xf32, #T>, %w: tensor<32xbf16>, %c: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %cache: !cache) {
  // expected-error @below {{'kern.rope_append' op expected 'kv' to be [T, c + r] with c + r = 40 (as in the cache), found [T, 48], in @rope_append}}
  %y = kern.rope_append ins(%q, %kv, %w, %c, %c, %p, %p : tensor<?x4x8xf32, #T>, tensor<?x48xf32, #T>, tensor<32xbf16>, tensor<?x4xf32, #T>, tensor<?x4xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) into(%cache : !cache) outs(%q : tensor<?x4x8xf32, #T>) eps 1.0e-06 -> tensor<?x4x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @rope_append_eps(%q: tensor<?x4x8xf32, #T>, %kv: tensor<?x40xf32, #T>, %w: tensor<32xbf16>, %c: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %cache: !cache) {
  // expected-error @below {{'kern.rope_append' op expected 'eps' above 0, found -1, in @rope_append_eps}}
  %y = kern.rope_append ins(%q, %kv, %w, %c, %c, %p, %p : tensor<?x4x8xf32, #T>, tensor<?x40xf32, #T>, tensor<32xbf16>, tensor<?x4xf32, #T>, tensor<?x4xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) into(%cache : !cache) outs(%q : tensor<?x4x8xf32, #T>) eps -1.0 -> tensor<?x4x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @attention_part_pages(%q: tensor<?x4x32xf32, #T>, %r: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %cache: !cache, %o: tensor<?x4x32xf32, #T>) {
  // expected-error @below {{'kern.latent_attention' op expected 'part_pages' from 1 to 262144, of parts, found 2 without parts, in @attention_part_pages}}
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<?x4x32xf32, #T>, tensor<?x4x8xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%o : tensor<?x4x32xf32, #T>) scale 2.0e-01 pages 2 -> tensor<?x4x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @attention_no_part_pages(%q: tensor<?x4x32xf32, #T>, %r: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %cache: !cache, %o: tensor<?x4x68xf32, #T>) {
  // expected-error @below {{'kern.latent_attention' op expected 'part_pages' from 1 to 262144, of parts, found 0, in @attention_no_part_pages}}
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<?x4x32xf32, #T>, tensor<?x4x8xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%o : tensor<?x4x68xf32, #T>) scale 2.0e-01 parts 2 pages 0 -> tensor<?x4x68xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @attention_many_part_pages(%q: tensor<?x4x32xf32, #T>, %r: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %cache: !cache, %o: tensor<?x4x68xf32, #T>) {
  // expected-error @below {{'kern.latent_attention' op expected 'part_pages' from 1 to 262144, of parts, found 1073741824, in @attention_many_part_pages}}
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<?x4x32xf32, #T>, tensor<?x4x8xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%o : tensor<?x4x68xf32, #T>) scale 2.0e-01 parts 2 pages 1073741824 -> tensor<?x4x68xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @attention_parts(%q: tensor<?x4x32xf32, #T>, %r: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %cache: !cache, %o: tensor<?x4x64xf32, #T>) {
  // expected-error @below {{'kern.latent_attention' op expected 'outs' to be [T, h, parts * (c + 2)] with parts * (c + 2) = 68 (from 'parts' and the latent), found [T, 4, 64], in @attention_parts}}
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<?x4x32xf32, #T>, tensor<?x4x8xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%o : tensor<?x4x64xf32, #T>) scale 2.0e-01 parts 2 -> tensor<?x4x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @attention_combine(%x: tensor<?x4x64xf32, #T>, %o: tensor<?x4x32xf32, #T>) {
  // expected-error @below {{'kern.attention_combine' op expected 1 to 4096 parts, found 0, in @attention_combine}}
  %y = kern.attention_combine ins(%x : tensor<?x4x64xf32, #T>) outs(%o : tensor<?x4x32xf32, #T>) parts 0 -> tensor<?x4x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @latent_attention(%q: tensor<?x4x16xf32, #T>, %r: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %cache: !cache) {
  // expected-error @below {{'kern.latent_attention' op expected 'query' to be [T, h, c] with c = 32 (as in the cache), found [T, 4, 16], in @latent_attention}}
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%q : tensor<?x4x16xf32, #T>) scale 2.0e-01 -> tensor<?x4x16xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @expanded_attention(%q: tensor<?x4x16xf32, #T>, %r: tensor<?x4x8xf32, #T>, %w: tensor<4x32x32xbf16>, %p: tensor<?xi32, #T>, %o: tensor<?x4x24xf32, #T>, %cache: !cache) {
  // expected-error @below {{'kern.expanded_attention' op expected 'weight' to be [h, n + v, c] with n + v = 40 (from 'query' and 'outs'), found [4, 32, 32], in @expanded_attention}}
  %y = kern.expanded_attention ins(%q, %r, %w, %p, %p : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x32x32xbf16>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%o : tensor<?x4x24xf32, #T>) scale 2.0e-01 -> tensor<?x4x24xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 500, requests = 1>
func.func @expand(%w: tensor<4x40x32xbf16>, %p: tensor<?xi32, #T>, %cache: !cache, %k: tensor<512x4x16xbf16>, %s: tensor<512x8xbf16>, %v: tensor<4x24x512xbf16>) {
  // expected-error @below {{'kern.expand_latents' op expected a cache of bf16, found f32, in @expand}}
  %a, %b, %c = kern.expand_latents ins(%w, %p, %p : tensor<4x40x32xbf16>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%k, %s, %v : tensor<512x4x16xbf16>, tensor<512x8xbf16>, tensor<4x24x512xbf16>) -> tensor<512x4x16xbf16>, tensor<512x8xbf16>, tensor<4x24x512xbf16>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 500, requests = 1>
func.func @expand(%w: tensor<4x40x32xbf16>, %p: tensor<?xi32, #T>, %cache: !cache, %k: tensor<500x4x16xbf16>, %s: tensor<500x8xbf16>, %v: tensor<4x24x500xbf16>) {
  // expected-error @below {{'kern.expand_latents' op expected 'keys' to be [S, h, n] with S = 512}}
  %a, %b, %c = kern.expand_latents ins(%w, %p, %p : tensor<4x40x32xbf16>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%k, %s, %v : tensor<500x4x16xbf16>, tensor<500x8xbf16>, tensor<4x24x500xbf16>) -> tensor<500x4x16xbf16>, tensor<500x8xbf16>, tensor<4x24x500xbf16>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<bf16, latent = 32, rope = 8, page = 64, context = 500, requests = 1>
func.func @expand(%w: tensor<4x40x32xf32>, %p: tensor<?xi32, #T>, %cache: !cache, %k: tensor<512x4x16xbf16>, %s: tensor<512x8xbf16>, %v: tensor<4x24x512xbf16>) {
  // expected-error @below {{'kern.expand_latents' op expected elements of 'weight' to be bf16, found f32, in @expand}}
  %a, %b, %c = kern.expand_latents ins(%w, %p, %p : tensor<4x40x32xf32>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%k, %s, %v : tensor<512x4x16xbf16>, tensor<512x8xbf16>, tensor<4x24x512xbf16>) -> tensor<512x4x16xbf16>, tensor<512x8xbf16>, tensor<4x24x512xbf16>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @prefill(%q: tensor<?x4x16xbf16, #T>, %r: tensor<?x4x8xbf16, #T>, %p: tensor<?xi32, #T>, %k: tensor<512x4x16xbf16>, %s: tensor<512x8xbf16>, %v: tensor<4x24x512xbf16>, %o: tensor<?x4x24xbf16, #T>) {
  // expected-error @below {{'kern.prefill_attention' op expected a 'context' whose requests fill 512 rows of keys, found 700}}
  %y = kern.prefill_attention ins(%q, %r, %k, %s, %v, %p, %p : tensor<?x4x16xbf16, #T>, tensor<?x4x8xbf16, #T>, tensor<512x4x16xbf16>, tensor<512x8xbf16>, tensor<4x24x512xbf16>, tensor<?xi32, #T>, tensor<?xi32, #T>) outs(%o : tensor<?x4x24xbf16, #T>) context 700 scale 2.5e-01 -> tensor<?x4x24xbf16, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @prefill(%q: tensor<?x4x16xf32, #T>, %r: tensor<?x4x8xbf16, #T>, %p: tensor<?xi32, #T>, %k: tensor<512x4x16xbf16>, %s: tensor<512x8xbf16>, %v: tensor<4x24x512xbf16>, %o: tensor<?x4x24xbf16, #T>) {
  // expected-error @below {{'kern.prefill_attention' op expected}}
  %y = kern.prefill_attention ins(%q, %r, %k, %s, %v, %p, %p : tensor<?x4x16xf32, #T>, tensor<?x4x8xbf16, #T>, tensor<512x4x16xbf16>, tensor<512x8xbf16>, tensor<4x24x512xbf16>, tensor<?xi32, #T>, tensor<?xi32, #T>) outs(%o : tensor<?x4x24xbf16, #T>) context 500 scale 2.5e-01 -> tensor<?x4x24xbf16, #T>
  return
}
