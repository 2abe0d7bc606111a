// RUN: dsv3-opt %s --kern-configure --split-input-file --verify-diagnostics
// RUN: not dsv3-opt %s --split-input-file --kern-configure=variants=z80 2>&1 | FileCheck %s
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
