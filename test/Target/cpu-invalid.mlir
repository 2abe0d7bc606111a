// RUN: dsv3-translate --kernels-to-cpu %s --split-input-file --verify-diagnostics
// The CPU computes in f32: other types are refused by name.

#T = #dsv3.dims<"T">
!x = tensor<?x32xf32, #T>
// The scalar table has truncf, the CPU no code for it.
// expected-error @below {{the CPU has no code for values in scalar regions of type 'bf16'; compile with --policy=f32}}
kern.def @narrow kind "sum" family "rowwise" sizes ["T"] ins(%x: !x) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.rowwise ins(%x : !x) [element] outs(%o : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    %b = arith.truncf %a : f32 to bf16
    %c = arith.extf %b : bf16 to f32
    kern.yield %c : f32
  } -> !x
  kern.yield %y : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x32xf32, #T>
// Nor is arithmetic done in a narrower type.
// expected-error @below {{the CPU has no code for values in scalar regions of type 'bf16'; compile with --policy=f32}}
kern.def @product kind "sum" family "rowwise" sizes ["T"] ins(%x: !x, %w: tensor<32xbf16>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.rowwise ins(%x, %w : !x, tensor<32xbf16>) [element, column] outs(%o : !x) reduce add contribution {
  ^bb0(%a: f32, %b: bf16):
    %s = arith.mulf %b, %b : bf16
    %t = arith.extf %s : bf16 to f32
    kern.yield %t : f32
  } finish {
  ^bb0(%r: f32):
    kern.yield %r : f32
  } apply {
  ^bb0(%a: f32, %b: bf16, %s: f32):
    kern.yield %s : f32
  } -> !x
  kern.yield %y : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x32xf32, #T>
!y = tensor<?x32xf16, #T>
// expected-error @below {{the CPU has no code for results of type 'f16'; compile with --policy=f32}}
kern.def @result kind "cast" family "rowwise" sizes ["T"] ins(%x: !y) outs(%o: !y) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.rowwise ins(%x : !y) [element] outs(%o : !y) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f16):
    kern.yield %a : f16
  } -> !y
  kern.yield %y : !y
}

// -----

#T = #dsv3.dims<"T">
!q = tensor<?x4x32xf32, #T>
!r = tensor<?x4x8xf32, #T>
!i = tensor<?xi32, #T>
!cache = !dsv3.cache<f8E4M3FN, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
// expected-error @below {{the CPU has no code for a cache of type 'f8E4M3FN'; compile with --policy=f32}}
kern.def @cache kind "attention" family "latent_attention" sizes ["T"] ins(%q: !q, %r: !r, %p: !i, %cache: !cache) outs(%o: !q) configs {"x86-64-v3" = {heads = 4, scratch = 2048, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.latent_attention ins(%q, %r, %p, %p : !q, !r, !i, !i) from(%cache : !cache) outs(%o : !q) scale 2.0e-01 -> !q
  kern.yield %y : !q
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x8xf32, #T>
kern.def @configured kind "concat" family "concat" sizes ["T"] ins(%a: !x) outs(%o: tensor<?x16xf32, #T>) maxima [#dsv3.size<"T", max = 8>] configs {"x86-64-v3" = {rows = 1, scratch = 0 : i64, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.concat ins(%a, %a : !x, !x) outs(%o : tensor<?x16xf32, #T>) -> tensor<?x16xf32, #T>
  kern.yield %y : tensor<?x16xf32, #T>
}
// expected-error @below {{expected a kernel that is configured for x86-64-v3; run kern-configure with that variant first}}
kern.def @bare kind "concat" family "concat" sizes ["T"] ins(%a: !x) outs(%o: tensor<?x16xf32, #T>) {
  %y = kern.concat ins(%a, %a : !x, !x) outs(%o : tensor<?x16xf32, #T>) -> tensor<?x16xf32, #T>
  kern.yield %y : tensor<?x16xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!q = tensor<?x4x32xf32, #T>
!r = tensor<?x4x8xf32, #T>
!i = tensor<?xi32, #T>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 5, context = 128, requests = 2>
// expected-error @below {{the CPU has no code for pages of 5 tokens, no multiple of 4}}
kern.def @cache kind "attention" family "latent_attention" sizes ["T"] ins(%q: !q, %r: !r, %p: !i, %cache: !cache) outs(%o: !q) configs {"x86-64-v3" = {heads = 4, scratch = 2048, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.latent_attention ins(%q, %r, %p, %p : !q, !r, !i, !i) from(%cache : !cache) outs(%o : !q) scale 2.0e-01 -> !q
  kern.yield %y : !q
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x16xbf16, #T>
!o = tensor<?x32xbf16, #T>
// expected-error @below {{the CPU has no code for activations of type 'bf16'; compile with --policy=f32}}
kern.def @activations kind "concat" family "concat" sizes ["T"] ins(%a: !x) outs(%o: !o) configs {"x86-64-v3" = {scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.concat ins(%a, %a : !x, !x) outs(%o : !o) -> !o
  kern.yield %y : !o
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x32xf32, #T>
!o = tensor<?x16xf32, #T>
// expected-error @below {{the CPU has no code for a prologue of a weight; compile with --policy=f32}}
kern.def @prologue kind "linear" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<16x32xbf16>) outs(%o: !o) configs {"x86-64-v3" = {scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gemm ins(%a, %w : !x, tensor<16x32xbf16>) outs(%o : !o) prologue {
  ^bb0(%e: f32):
    %d = arith.addf %e, %e : f32
    kern.yield %d : f32
  } epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } -> !o
  kern.yield %y : !o
}

// -----

#T = #dsv3.dims<"T">
!q = tensor<?x64xi8, #T>
!s = tensor<?x2xf32, #T>
// expected-error @below {{the CPU has no code for heads that leave a product as codes}}
kern.def @heads kind "linear" family "gemm" sizes ["T"] ins(%a: tensor<?x2x16xf32, #T>, %w: tensor<2x32x16xbf16>) outs(%q: !q, %s: !s) configs {"x86-64-v3" = {scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y, %t = kern.gemm ins(%a, %w : tensor<?x2x16xf32, #T>, tensor<2x32x16xbf16>) outs(%q, %s : !q, !s) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } quantise group 32 -> !q, !s
  kern.yield %y, %t : !q, !s
}

// -----

// Code for a configuration that was changed by hand would run with scratch memory of another size.
#T = #dsv3.dims<"T">
!x = tensor<?x8xf32, #T>
// expected-error @below {{its configuration for x86-64-v3 is none of the family table; run kern-configure again}}
kern.def @changed kind "concat" family "concat" sizes ["T"] ins(%a: !x) outs(%o: tensor<?x16xf32, #T>) maxima [#dsv3.size<"T", max = 8>] configs {"x86-64-v3" = {rows = 1, scratch = 64, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.concat ins(%a, %a : !x, !x) outs(%o : tensor<?x16xf32, #T>) -> tensor<?x16xf32, #T>
  kern.yield %y : tensor<?x16xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!c = tensor<?x128xf8E4M3FN, #T>
!s = tensor<?x1xf32, #T>
!o = tensor<?x128xf32, #T>
// Rows of a product may be codes, but not of FP8.
// expected-error @below {{the CPU has no code for activations of type 'f8E4M3FN'; compile with --policy=f32}}
kern.def @rows kind "linear" family "gemm" sizes ["T"] ins(%a: !c, %as: !s, %w: tensor<128x128xf8E4M3FN>, %ws: tensor<1x1xf32>) outs(%o: !o) configs {"x86-64-v3" = {scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gemm ins(%a scales %as, %w scales %ws block [128, 128] : !c scales !s, tensor<128x128xf8E4M3FN>, tensor<1x1xf32>) outs(%o : !o) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } -> !o
  kern.yield %y : !o
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x32xf32, #T>
!q = tensor<?x64xi8, #T>
!s = tensor<?x2xf32, #T>
// expected-error @below {{the CPU has no code for results quantised by groups of 32 columns, which its panels of 16 would cut}}
kern.def @cut kind "linear" family "gemm" sizes ["T"] ins(%a: !x, %w: tensor<64x32xbf16>) outs(%q: !q, %s: !s) configs {"x86-64-v3" = {nr = 16, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y, %t = kern.gemm ins(%a, %w : !x, tensor<64x32xbf16>) outs(%q, %s : !q, !s) epilogue() [] {
  ^bb0(%e: f32):
    kern.yield %e : f32
  } quantise group 32 -> !q, !s
  kern.yield %y, %t : !q, !s
}
