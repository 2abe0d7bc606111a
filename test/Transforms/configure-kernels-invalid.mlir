// RUN: dsv3-opt %s --kern-configure --split-input-file --verify-diagnostics
// RUN: not dsv3-opt %s --split-input-file --kern-configure=variants=z80 2>&1 | FileCheck %s
// RUN: not dsv3-opt %s --split-input-file --kern-configure=variants=sm_80 2>&1 | FileCheck %s --check-prefix=FP8
// RUN: not dsv3-opt %s --split-input-file --kern-configure="variants=sm_90a tensor-cores=tcgen05" 2>&1 | FileCheck %s --check-prefix=CORES

// CORES: error: expected mma or wgmma for tensor-cores, found 'tcgen05'
// CHECK: error: unknown variant 'z80'; expected x86-64-v3, x86-64-v4, x86-64-v4-vnni, x86-64-v4-bf16, sm_80, sm_90a, sm_100a, or sm_120a

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

// A definition of phase fused.
// expected-error @below {{expected a kernel of a known family, found 'none'; run convert-dsv3-to-kern first}}
kern.def @fused kind "add" ins(%x: !x) outs(%o: !x) {
  %y = dsv3.add %x, %x : !x
  kern.yield %y : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

// expected-error @below {{size 'T' has no maximum; run dsv3-make-entry-points first}}
kern.def @gather kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}

// -----

// expected-error @below {{CPUs have code for precision policy f32 alone, found "bf16"; hint: leave --policy out, or stop after phase kernels}}
module attributes {dsv3.policy = "bf16"} {
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
!c = tensor<?x128xf8E4M3FN, #T>
!s = tensor<?x1xf32, #T>

// Codes are made and multiplied by GPUs with FP8 alone.
// FP8: error: kernel @quantise has no configuration for sm_80: sm_80 has no FP8 arithmetic for rows of codes, which policy w8a8 multiplies; compile with --policy=bf16
kern.def @quantise kind "quantise" family "rowwise" sizes ["T"] ins(%x: !x) outs(%c: !c, %s: !s) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y:2 = kern.rowwise ins(%x : !x) [element] outs(%c, %s : !c, !s) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: bf16):
    kern.yield %a : bf16
  } quantise group 128 -> !c, !s
  kern.yield %y#0, %y#1 : !c, !s
}

// -----

#T = #dsv3.dims<"T">
!c = tensor<?x128xf8E4M3FN, #T>
!s = tensor<?x1xf32, #T>
!y = tensor<?x64xbf16, #T>

// FP8: error: kernel @product has no configuration for sm_80: sm_80 has no FP8 arithmetic
kern.def @product kind "linear" family "gemm" sizes ["T"] ins(%a: !c, %as: !s, %w: tensor<64x128xf8E4M3FN>, %ws: tensor<1x1xf32>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.gemm ins(%a scales %as, %w scales %ws block [128, 128] : !c scales !s, tensor<64x128xf8E4M3FN>, tensor<1x1xf32>) outs(%o : !y) epilogue() [] {
  ^bb0(%acc: f32):
    %0 = arith.truncf %acc : f32 to bf16
    kern.yield %0 : bf16
  } -> !y
  kern.yield %y : !y
}
