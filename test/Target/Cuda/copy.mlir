// RUN: dsv3-opt %s --kern-configure=variants=sm_80 | dsv3-translate --kernels-to-cuda | FileCheck %s
// gather, concat and rope_table: a row a block.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!i = tensor<?xi32, #T>
// CHECK-LABEL: //===- kernel embed -===//
// CHECK: const bf16 *__restrict__ table, // [320, 128]
// CHECK-NEXT: const int32 *__restrict__ ids, // [T]
// CHECK-NEXT: float *__restrict__ out, // [T, 128]
// CHECK: gather<128, 128>(launch, Rows<const bf16, 0, 128, 128>{table}, ids, Rows<float, 0, 128, 128>{out}, 320);
kern.def @embed kind "embed" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: !i) outs(%o: !x) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, !i) outs(%o : !x) -> !x
  kern.yield %y : !x
}

// One argument in two places keeps a number for a name.
// CHECK-LABEL: //===- kernel twice -===//
// CHECK: const float *__restrict__ x0, // [T, 8]
// CHECK: concat<8, 8, 32>(launch, Rows<const float, 0, 8, 8>{x0}, Rows<const float, 0, 8, 8>{x0}, Rows<float, 0, 16, 16>{out});
kern.def @twice kind "concat" family "concat" sizes ["T"] ins(%a: tensor<?x8xf32, #T>) outs(%o: tensor<?x16xf32, #T>) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.concat ins(%a, %a : tensor<?x8xf32, #T>, tensor<?x8xf32, #T>) outs(%o : tensor<?x16xf32, #T>) -> tensor<?x16xf32, #T>
  kern.yield %y : tensor<?x16xf32, #T>
}

// CHECK-LABEL: //===- kernel rope -===//
// CHECK: __constant__ const float inverseFrequencies[2] = {
// CHECK-NEXT: 1.0f, 0.100000001f};
// CHECK: ropeTable<2, 32>(launch, positions, cosines, sines, inverseFrequencies, 1.5f);
!r = tensor<?x2xf32, #T>
kern.def @rope kind "rope_table" family "rope_table" sizes ["T"] ins(%p: !i) outs(%c: !r, %s: !r) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %x, %y = kern.rope_table ins(%p : !i) outs(%c, %s : !r, !r) {inverse_frequencies = array<f32: 1.0, 0.1>, multiplier = 1.5 : f32} -> !r, !r
  kern.yield %x, %y : !r, !r
}
