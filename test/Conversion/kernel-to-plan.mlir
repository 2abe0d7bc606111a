// RUN: dsv3-translate --kernels-to-plan %s | FileCheck %s
// Two kernels, a function that two layers share, and parameters that lie in different ways.

#T = #dsv3.dims<"T">
!ids = tensor<?xi32, #T>
!x = tensor<?x128xf32, #T>
!w = tensor<128x128xbf16>
!table = tensor<320x128xbf16>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>

// CHECK: plan.module identity "model" policy "f32" {{.*}} vocab 128 hidden 128 layers 2 sizes [T]
// CHECK: plan.variant "x86-64-v3" object "x86-64-v3.so" checksum ""
// CHECK: plan.cache f32 layers 2 latent 32 rope 8 page 64 context 128 requests 1
module attributes {dsv3.policy = "f32", dsv3.identity = "model"} {
  // A table is read row by row, the weight of a product in panels; a parameter of layers says which have it.
  // CHECK: plan.parameter @embed_tokens {{.*}} layouts [row_major]
  dsv3.parameter @embed_tokens : !table from [#dsv3.segment<"embed_tokens.weight", shape = [320, 128], rows = 320>]
  // CHECK: plan.parameter @proj {{.*}} layers [0 to 1] layouts [panels(16)]
  dsv3.parameter @proj : !w layers [0, 1] from [#dsv3.segment<"layers.{layer}.proj.weight", shape = [128, 128], rows = 128>]

  // CHECK: plan.parameter @lm_head {{.*}} layouts [panels(16)]
  dsv3.parameter @lm_head : !w from [#dsv3.segment<"lm_head.weight", shape = [128, 128], rows = 128>]

  // CHECK: plan.kernel @embed family "gather" sizes [T] tiles [ceil(T)]
  kern.def @embed kind "embedding" family "gather" sizes ["T"] ins(%t: !table, %i: !ids) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
    %y = kern.gather ins(%t, %i : !table, !ids) outs(%o : !x) -> !x
    kern.yield %y : !x
  }
  // CHECK: plan.kernel @linear family "gemm" sizes [T] tiles [8 * ceil(T)]
  kern.def @linear kind "linear" family "gemm" sizes ["T"] ins(%x: !x, %w: !w) outs(%o: !x) configs {"x86-64-v3" = {flight = 1, k_block = 128, m_tile = 1, mr = 1, nr = 16, panels = 1, scratch = 64, tiles = array<i64: 0, 1, 1, 8, 0>}} {
    %y = kern.gemm ins(%x, %w : !x, !w) outs(%o : !x) epilogue() [] {
    ^bb0(%acc: f32):
      kern.yield %acc : f32
    } -> !x
    kern.yield %y : !x
  }

  // Its arguments and its result are formals. The first and the third buffer of three share bytes, behind those of
  // the entry.
  // CHECK: plan.entry @decode role "step" tokens 1 to 8 maxima (T = 8) arena 16384
  // CHECK-NEXT: inputs [ids: i32 [T, 1]] outputs [logits: f32 [T, 128], normed: f32 [T, 128]] observations [hidden: f32 [T, 128]]
  // CHECK: plan.body layer {
  // CHECK-NEXT: plan.launch @linear (formal(0), param(@proj), arena(8192))
  // CHECK-NEXT: plan.launch @linear (arena(8192), param(@proj), arena(12288))
  // CHECK-NEXT: plan.launch @linear (arena(12288), param(@proj), arena(8192))
  // CHECK-NEXT: plan.launch @linear (arena(8192), param(@proj), formal(1))
  // CHECK-NEXT: }
  func.func private @layer(%x: !x) -> !x attributes {dsv3.layers = array<i64: 0, 1>} {
    %w = dsv3.weight @proj : !w
    %e0 = kern.empty : !x
    %0 = kern.launch @linear ins(%x, %w : !x, !w) outs(%e0 : !x) -> !x
    %e1 = kern.empty : !x
    %1 = kern.launch @linear ins(%0, %w : !x, !w) outs(%e1 : !x) -> !x
    %e2 = kern.empty : !x
    %2 = kern.launch @linear ins(%1, %w : !x, !w) outs(%e2 : !x) -> !x
    %e3 = kern.empty : !x
    %3 = kern.launch @linear ins(%2, %w : !x, !w) outs(%e3 : !x) -> !x
    return %3 : !x
  }

  // A layer reads the one buffer and writes the other; what is returned is a port.
  // CHECK: plan.launch @embed (param(@embed_tokens), input(ids), arena(0))
  // CHECK-NEXT: plan.observe hidden layer 0 (arena(0))
  // CHECK-NEXT: plan.call layer layer 0 (arena(0), arena(4096))
  // CHECK-NEXT: plan.call layer layer 1 (arena(4096), output(normed))
  // CHECK-NEXT: plan.launch @linear (output(normed), param(@lm_head), output(logits))
  func.func @decode(%ids: !ids {dsv3.name = "ids"}, %cache: !cache) -> (!x {dsv3.name = "logits"}, !x {dsv3.name = "normed"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
    %w = dsv3.weight @embed_tokens : !table
    %e = kern.empty : !x
    %0 = kern.launch @embed ins(%w, %ids : !table, !ids) outs(%e : !x) -> !x
    dsv3.observe "hidden" %0 layer 0 : !x
    %1 = dsv3.call_layer @layer layer 0(%0) : (!x) -> !x
    %2 = dsv3.call_layer @layer layer 1(%1) : (!x) -> !x
    %h = dsv3.weight @lm_head : !w
    %f = kern.empty : !x
    %3 = kern.launch @linear ins(%2, %h : !x, !w) outs(%f : !x) -> !x
    return %3, %2 : !x, !x
  }
}
