// The text of a plan, as it is printed, is parsed, in short and in generic form.
// RUN: dsv3-opt %s | FileCheck %s --strict-whitespace
// RUN: dsv3-opt %s --mlir-print-op-generic | dsv3-opt | FileCheck %s --strict-whitespace

// CHECK-LABEL: plan.module identity "9f\223c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T, O, "two words"] scale_block [128, 128] {
plan.module identity "9f\223c" policy "f32" families "51aa" vocab 320 hidden 128 layers 4 sizes [T, O, "two words"] scale_block [128, 128] {
  // CHECK-NEXT: plan.variant "x86-64-v3" object "v3.so" checksum "00"
  plan.variant "x86-64-v3" object "v3.so" checksum "00"
  plan.variant "x86-64-v4" object "v4.so" checksum "11"
  // CHECK: plan.cache f8E4M3FN layers 5 latent 32 rope 8 page 64 context 4096 requests 2
  plan.cache f8E4M3FN layers 5 latent 32 rope 8 page 64 context 4096 requests 2

  // Runs of layers are written as ranges; layouts are one per variant.
  // CHECK: plan.parameter @o_proj : i8 stored bf16 [1, 64, 128] scales [1, 32] layouts [panels(32), dots(64)] {
  plan.parameter @o_proj : i8 stored bf16 [1, 64, 128] scales [1, 32] layouts [panels(32), dots(64)] {
    plan.segment "o_proj" shape [64, 128] rows 64
  }
  // CHECK: plan.parameter @gate_up : f8E4M3FN [3, 256, 128] scales [128, 128] parts 2 layers [0, 2 to 4] layouts [row_major, panels(32)] {
  plan.parameter @gate_up : f8E4M3FN [3, 256, 128] scales [128, 128] parts 2 layers [0, 2, 3, 4] layouts [row_major, panels(32)] {
    // CHECK-NEXT: plan.segment "l.{layer}.{expert}.gate" scales "l.{layer}.{expert}.gs" shape [128, 128] rows 128
    plan.segment "l.{layer}.{expert}.gate" scales "l.{layer}.{expert}.gs" shape [128, 128] rows 128
    plan.segment "l.{layer}.{expert}.up" scales "l.{layer}.{expert}.us" shape [128, 128] rows 128
  }
  // CHECK: plan.parameter @kv_b : bf16 [4, 32, 16] layouts [row_major, panels(16)] {
  plan.parameter @kv_b : bf16 [4, 32, 16] layouts [row_major, panels(16)] {
    // CHECK-NEXT: plan.segment "kv_b" shape [128, 32] rows 32 first_row 16 group_stride 32 transposed
    plan.segment "kv_b" shape [128, 32] rows 32 first_row 16 group_stride 32 transposed
  }
  // CHECK: plan.segment "norm" shape [128] rows 1
  plan.parameter @norm : f32 [1, 1, 128] layouts [row_major, row_major] {
    plan.segment "norm" shape [128] rows 1
  }

  // Factors of 1 and a plus of 0 are left out.
  // CHECK: plan.kernel @a family "gemm" sizes [O, T] tiles [5 * ceil(T * 2 / 3) + 7, 12] scratch [64, 0]
  plan.kernel @a family "gemm" sizes [O, T] tiles [5 * ceil(T * 2 / 3) + 7, 12] scratch [64, 0]
  // CHECK: plan.kernel @b family "rowwise" sizes ["two words"] tiles [ceil("two words"), ceil("two words" / 4)] scratch [0, 0]
  plan.kernel @b family "rowwise" sizes ["two words"] tiles [ceil("two words"), ceil("two words" / 4)] scratch [0, 0]

  // CHECK: plan.entry @decode role "step" tokens 1 to 16 maxima (O = 4, T = 16, "two words" = 2) arena 8192
  // CHECK-NEXT: {{^}}      inputs [ids: i32 [T, 1], "out rows": i32 [O, 1]] outputs [logits: f32 [O, 320]] observations [router.experts: i32 [T, 8]] {
  plan.entry @decode role "step" tokens 1 to 16 maxima (T = 16, O = 4, "two words" = 2) arena 8192
    inputs [ids: i32 [T, 1], "out rows": i32 [O, 1]] outputs [logits: f32 [O, 320]]
    observations [router.experts: i32 [T, 8]] {
    // CHECK-NEXT: plan.body moe {
    // CHECK-NEXT: plan.launch @a (formal(0), param(@gate_up), scales(@gate_up), cache, page_table, arena(4096))
    // CHECK-NEXT: plan.observe router.experts (formal(0))
    // CHECK-NEXT: }
    plan.body moe {
      plan.launch @a (formal(0), param(@gate_up), scales(@gate_up), cache, page_table, arena(4096))
      plan.observe router.experts (formal(0))
    }
    // CHECK-NEXT: plan.body "no instruction" {
    // CHECK-NEXT: }
    plan.body "no instruction" {
    }
    // CHECK-NEXT: plan.launch @b (input(ids), input("out rows"), output(logits))
    plan.launch @b (input(ids), input("out rows"), output(logits))
    // CHECK-NEXT: plan.launch @a layer 3 (cache)
    plan.launch @a layer 3 (cache)
    // CHECK-NEXT: plan.call moe layer 2 (arena(0))
    plan.call moe layer 2 (arena(0))
    // CHECK-NEXT: plan.call "no instruction" ()
    plan.call "no instruction" ()
    // CHECK-NEXT: plan.observe router.experts layer 0 (arena(0))
    plan.observe router.experts layer 0 (arena(0))
  }
}
