// RUN: dsv3-opt %s --kern-configure | dsv3-translate --kernels-to-cpu | FileCheck %s
// A row meets codes of e4m3: subnormal ones are multiplied as they are where a core need not be
// asked for memory ahead, and take a branch elsewhere.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!y = tensor<?x64xf32, #T>
!w = tensor<64x128xf8E4M3FN>

// CHECK-LABEL: // x86-64-v3
// CHECK: llvm.func internal @stream.f8E4M3FN.{{[a-z0-9.]+}}.tiny(
// CHECK-LABEL: // x86-64-v4
// CHECK: llvm.func internal @stream.f8E4M3FN.[[CODES:[a-z0-9.]+]].tiny(
// CHECK-NOT: llvm.intr.expect
// CHECK: llvm.func internal @stream.f8E4M3FN.[[CODES]].ahead(
// CHECK: llvm.intr.expect
// CHECK: llvm.func internal @codes.tiles
kern.def @codes kind "codes" family "gemm" sizes ["T"] ins(%a: !x, %w: !w, %s: tensor<1x1xf32>) outs(%o: !y) attributes {maxima = [#dsv3.size<"T", max = 1>]} {
  %y = kern.gemm ins(%a, %w scales %s block [128, 128] : !x, !w, tensor<1x1xf32>) outs(%o : !y) epilogue() [] {
  ^bb0(%p: f32):
    kern.yield %p : f32
  } -> !y
  kern.yield %y : !y
}
