// RUN: dsv3-opt %s --kern-configure=variants=sm_120a | dsv3-translate --kernels-to-cuda | FileCheck %s
// Routing, the tokens of each expert, and the weighted sum of what they gave.

#T = #dsv3.dims<"T">
!e = tensor<?x4xi32, #T>
!w = tensor<?x4xf32, #T>
// CHECK-LABEL: //===- kernel router -===//
// CHECK: static_assert(Routing<16, 4, 2, 4>::sharedBytes == 112, "shared memory as in the family table");
// CHECK: router<16, 4, 2, 4, true>(launch, logits, bias, experts, weights, 2.5f);
kern.def @router kind "router" family "router" sizes ["T"] ins(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>) outs(%eo: !e, %wo: !w) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %x, %y = kern.router ins(%l, %b : tensor<?x16xf32, #T>, tensor<16xf32>) outs(%eo, %wo : !e, !w) groups 4 of 2 scale 2.5 normalise -> !e, !w
  kern.yield %x, %y : !e, !w
}

// CHECK-LABEL: //===- kernel dispatch -===//
// CHECK: static_assert(dispatchSharedBytes(16, 256) == 612, "shared memory as in the family table");
// CHECK: dispatch<16, 4, 256>(launch, experts, offsets, rows, slots, T);
!r = tensor<?xi32, #dsv3.dims<"T*4">>
kern.def @dispatch kind "dispatch" family "dispatch" sizes ["T"] ins(%e: !e) outs(%o: tensor<17xi32>, %r: !r, %s: !e) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %a, %b, %c = kern.dispatch ins(%e : !e) outs(%o, %r, %s : tensor<17xi32>, !r, !e) -> tensor<17xi32>, !r, !e
  kern.yield %a, %b, %c : tensor<17xi32>, !r, !e
}

// CHECK-LABEL: //===- kernel combine -===//
// CHECK: float e0 = x3[at.row * 128 + at.column];
// CHECK-NEXT: float v0 = sums[0] + e0;
// CHECK-NEXT: out[at.row * 128 + at.column] = v0;
// CHECK: combine<128, 4, 128>(launch, Rows<const float, 0, 128, 128>{x}, slots, weights, Epilogue{x3, out});
!x = tensor<?x128xf32, #T>
!k = tensor<?x128xf32, #dsv3.dims<"T*4">>
kern.def @combine kind "combine" family "combine" sizes ["T"] ins(%x: !k, %s: !e, %w: !w, %a: !x) outs(%o: !x) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.combine ins(%x, %s, %w : !k, !e, !w) outs(%o : !x) epilogue(%a : !x) [element] {
  ^bb0(%acc: f32, %0: f32):
    %1 = arith.addf %acc, %0 : f32
    kern.yield %1 : f32
  } -> !x
  kern.yield %y : !x
}
