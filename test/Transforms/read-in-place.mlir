// RUN: dsv3-opt %s --kern-read-in-place | FileCheck %s
// RUN: dsv3-opt %s --kern-read-in-place=experts-only | FileCheck %s --check-prefix=EXPERTS
// Kernels whose weights can all stay where the checkpoint has them, and are read by no other kernel.

!row = tensor<1x64xf32>
!out = tensor<1x32xf32>
!weight = tensor<32x64xbf16>

dsv3.parameter @stays : !weight layers [0, 1] from [#dsv3.segment<"a.{layer}", shape = [32, 64], rows = 32>]
dsv3.parameter @alone : !weight from [#dsv3.segment<"b", shape = [32, 64], rows = 32>]
dsv3.parameter @narrowed : !weight from [#dsv3.segment<"i", shape = [32, 64], rows = 32>]
dsv3.parameter @turned : !weight from [#dsv3.segment<"c", shape = [64, 32], rows = 32, transposed = true>]
dsv3.parameter @encoded : !weight stored f32 from [#dsv3.segment<"d", shape = [32, 64], rows = 32>]
dsv3.parameter @table : !weight from [#dsv3.segment<"e", shape = [32, 64], rows = 32>]
dsv3.parameter @beside : !weight from [#dsv3.segment<"f", shape = [32, 64], rows = 32>]
dsv3.parameter @merged : tensor<64x64xbf16> from [#dsv3.segment<"g", shape = [48, 64], rows = 48>, #dsv3.segment<"h", shape = [16, 64], rows = 16>]
dsv3.parameter @experts : tensor<2x64x64xbf16> parts 2 from [#dsv3.segment<"gate.{expert}", shape = [32, 64], rows = 32>, #dsv3.segment<"up.{expert}", shape = [32, 64], rows = 32>]

// EXPERTS-NOT:   in_place
// CHECK-LABEL: kern.def @both
// CHECK:         kern.gemm
// CHECK:         {in_place} -> tensor<1x32xf32>
kern.def @both kind "linear" family "gemm" sizes [] ins(%a: !row, %w: !weight) outs(%o: !out) {
  %y = kern.gemm ins(%a, %w : !row, !weight) outs(%o : !out) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !out
  kern.yield %y : !out
}
// CHECK-LABEL: kern.def @grouped
// CHECK:         kern.grouped_gemm
// CHECK:         {in_place} -> tensor<2x32xf32>
// EXPERTS:       kern.grouped_gemm
// EXPERTS:       {in_place} -> tensor<2x32xf32>
// EXPERTS-NOT:   in_place
kern.def @grouped kind "experts" family "grouped_gemm" sizes [] ins(%a: !row, %w: tensor<2x64x64xbf16>, %offsets: tensor<3xi32>, %rows: tensor<2xi32>) outs(%o: tensor<2x32xf32>) {
  %y = kern.grouped_gemm ins(%a, %w, %offsets rows %rows : !row, tensor<2x64x64xbf16>, tensor<3xi32> rows tensor<2xi32>) outs(%o : tensor<2x32xf32>) parts 2 epilogue() [] {
  ^bb0(%gate: f32, %up: f32):
    kern.yield %up : f32
  } -> tensor<2x32xf32>
  kern.yield %y : tensor<2x32xf32>
}
// It reads a weight that must be turned, and so the other one is packed too; and with that all that
// other kernels read of it.
// CHECK-LABEL: kern.def @mixed
// CHECK-NOT:     in_place
kern.def @mixed kind "linear" family "gemm" sizes [] ins(%a: !row, %w: !weight) outs(%o: !out) {
  %y = kern.gemm ins(%a, %w : !row, !weight) outs(%o : !out) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !out
  kern.yield %y : !out
}
// CHECK-LABEL: kern.def @other
// CHECK-NOT:     in_place
kern.def @other kind "linear" family "gemm" sizes [] ins(%a: !row, %w: !weight) outs(%o: !out) {
  %y = kern.gemm ins(%a, %w : !row, !weight) outs(%o : !out) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !out
  kern.yield %y : !out
}
// What is encoded is made when it is loaded.
// CHECK-LABEL: kern.def @ofEncoded
// CHECK-NOT:     in_place
kern.def @ofEncoded kind "linear" family "gemm" sizes [] ins(%a: !row, %w: !weight) outs(%o: !out) {
  %y = kern.gemm ins(%a, %w : !row, !weight) outs(%o : !out) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !out
  kern.yield %y : !out
}
// A table is read row by row as it lies, without addresses.
// CHECK-LABEL: kern.def @ofTable
// CHECK-NOT:     in_place
kern.def @ofTable kind "linear" family "gemm" sizes [] ins(%a: !row, %w: !weight) outs(%o: !out) {
  %y = kern.gemm ins(%a, %w : !row, !weight) outs(%o : !out) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !out
  kern.yield %y : !out
}
// CHECK-LABEL: kern.def @gather
kern.def @gather kind "rows" family "gather" sizes [] ins(%t: !weight, %i: tensor<1xi32>) outs(%o: !row) {
  %y = kern.gather ins(%t, %i : !weight, tensor<1xi32>) outs(%o : !row) -> !row
  kern.yield %y : !row
}
// A panel of 32 rows would be of two tensors.
// CHECK-LABEL: kern.def @ofMerged
// CHECK-NOT:     in_place
kern.def @ofMerged kind "linear" family "gemm" sizes [] ins(%a: !row, %w: tensor<64x64xbf16>) outs(%o: !row) {
  %y = kern.gemm ins(%a, %w : !row, tensor<64x64xbf16>) outs(%o : !row) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !row
  kern.yield %y : !row
}
// Rows of bf16 meet weights by other instructions.
// CHECK-LABEL: kern.def @narrow
// CHECK-NOT:     in_place
kern.def @narrow kind "linear" family "gemm" sizes [] ins(%a: tensor<1x64xbf16>, %w: !weight) outs(%o: !out) {
  %y = kern.gemm ins(%a, %w : tensor<1x64xbf16>, !weight) outs(%o : !out) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !out
  kern.yield %y : !out
}

// CHECK-LABEL: func.func @step
func.func @step(%a: !row, %n: tensor<1x64xbf16>, %o: !out, %i: tensor<1xi32>, %e: tensor<3xi32>, %r: tensor<2xi32>, %p: tensor<2x32xf32>) {
  %alone = dsv3.weight @alone : !weight
  %narrowed = dsv3.weight @narrowed : !weight
  %turned = dsv3.weight @turned : !weight
  %encoded = dsv3.weight @encoded : !weight
  %table = dsv3.weight @table : !weight
  %beside = dsv3.weight @beside : !weight
  %merged = dsv3.weight @merged : tensor<64x64xbf16>
  %experts = dsv3.weight @experts : tensor<2x64x64xbf16>
  %0 = kern.launch @both ins(%a, %alone : !row, !weight) outs(%o : !out) -> !out
  %1 = kern.launch @grouped ins(%a, %experts, %e, %r : !row, tensor<2x64x64xbf16>, tensor<3xi32>, tensor<2xi32>) outs(%p : tensor<2x32xf32>) -> tensor<2x32xf32>
  %2 = kern.launch @other ins(%a, %beside : !row, !weight) outs(%o : !out) -> !out
  %3 = kern.launch @mixed ins(%a, %beside : !row, !weight) outs(%o : !out) -> !out
  %4 = kern.launch @mixed ins(%a, %turned : !row, !weight) outs(%o : !out) -> !out
  %5 = kern.launch @ofEncoded ins(%a, %encoded : !row, !weight) outs(%o : !out) -> !out
  %6 = kern.launch @ofTable ins(%a, %table : !row, !weight) outs(%o : !out) -> !out
  %7 = kern.launch @gather ins(%table, %i : !weight, tensor<1xi32>) outs(%a : !row) -> !row
  %8 = kern.launch @ofMerged ins(%a, %merged : !row, tensor<64x64xbf16>) outs(%a : !row) -> !row
  %9 = kern.launch @narrow ins(%n, %narrowed : tensor<1x64xbf16>, !weight) outs(%o : !out) -> !out
  return
}
func.func @layer(%a: !row, %o: !out) attributes {dsv3.layers = array<i64: 0, 1>} {
  %stays = dsv3.weight @stays : !weight
  %0 = kern.launch @both ins(%a, %stays : !row, !weight) outs(%o : !out) -> !out
  return
}
