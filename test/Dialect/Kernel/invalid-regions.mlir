// RUN: dsv3-opt %s --split-input-file --verify-diagnostics
// One case for each diagnostic of scalar regions and their operands: the rule, both values, where it is, a hint.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// Operands of scalar regions.
func.func @access(%x: !x) {
  // expected-error @below {{custom op 'kern.rowwise' 'cell' is no access kind; hint: element, row, column or group}}
  %y = kern.rowwise ins(%x : !x) [cell] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @access_count(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected an access kind for each of 2 operands, found 1, in @access_count; hint: element, row, column or group}}
  %y = kern.rowwise ins(%x, %x : !x, !x) [element] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32, %b: f32):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @access_group(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected an access kind of this op for operand 0, found group, in @access_group; hint: element, row or column}}
  %y = kern.rowwise ins(%x : !x) [group] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @access_element(%x: !x, %z: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.rowwise' op expected 'operand 0 (element)' to be [T, N] with N = 128 (as in 'outs'), found [T, 64], in @access_element}}
  %y = kern.rowwise ins(%z : tensor<?x64xf32, #T>) [element] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @access_column(%x: !x, %z: tensor<64xf32>) {
  // expected-error @below {{'kern.rowwise' op expected 'operand 0 (column)' to be [N] with N = 128 (as in 'outs'), found [64], in @access_column}}
  %y = kern.rowwise ins(%z : tensor<64xf32>) [column] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
!x = tensor<?x128xf32, #T>
func.func @access_row(%x: !x, %z: tensor<?xf32, #O>) {
  // expected-error @below {{'kern.rowwise' op expected 'operand 0 (row)' to be [T] with T = T (as in 'outs'), found [O], in @access_row}}
  %y = kern.rowwise ins(%z : tensor<?xf32, #O>) [row] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @access_no_kind(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected an access kind of this op for operand 0, found no kind, in @access_no_kind; hint: element, row or column}}
  %y = "kern.rowwise"(%x, %x) <{access = array<i32: 4>, operandSegmentSizes = array<i32: 1, 1>, reduction = 0 : i32}> ({}, {}, {
  ^bb0(%a: f32):
    "kern.yield"(%a) : (f32) -> ()
  }) : (!x, !x) -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @access_no_element(%x: !x, %c: tensor<128xf32>) {
  // expected-error @below {{'kern.rowwise' op expected an element operand, found none, in @access_no_element; hint: its rows are those of the results}}
  %y = kern.rowwise ins(%c : tensor<128xf32>) [column] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

// Codes mean nothing without their scales, which a region does not get.
#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @access_codes(%x: !x, %c: tensor<?x128xf8E4M3FN, #T>) {
  // expected-error @below {{'kern.rowwise' op expected elements of 'operand 1 (element)' to be f32, bf16 or f16, found f8E4M3FN, in @access_codes}}
  %y = kern.rowwise ins(%x, %c : !x, tensor<?x128xf8E4M3FN, #T>) [element, element] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32, %b: f8E4M3FN):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @access_integers(%x: !x, %i: tensor<?xi32, #T>) {
  // expected-error @below {{'kern.rowwise' op expected elements of 'operand 1 (row)' to be f32, bf16 or f16, found i32, in @access_integers}}
  %y = kern.rowwise ins(%x, %i : !x, tensor<?xi32, #T>) [element, row] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32, %b: i32):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_element_shape(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>, %e: tensor<?x32xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'operand 0 (element)' to be [T, N] with N = 64 (as in 'outs'), found [T, 32], in @gemm_element_shape}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) epilogue(%e : tensor<?x32xf32, #T>) [element] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_row_shape(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>, %e: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'operand 0 (row)' to be [T], found [T, 64], in @gemm_row_shape}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) epilogue(%e : tensor<?x64xf32, #T>) [row] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_column_shape(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>, %e: tensor<128xf32>) {
  // expected-error @below {{'kern.gemm' op expected 'operand 0 (column)' to be [N] with N = 64 (as in 'outs'), found [128], in @gemm_column_shape}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) epilogue(%e : tensor<128xf32>) [column] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_group(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>, %e: tensor<1xf32>) {
  // expected-error @below {{'kern.gemm' op expected an access kind of this op for operand 0, found group, in @gemm_group; hint: element, row or column}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) epilogue(%e : tensor<1xf32>) [group] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @heads_element_shape(%a: tensor<?x4x16xf32, #T>, %w: tensor<4x32x16xbf16>, %o: tensor<?x4x32xf32, #T>, %e: tensor<?x128xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'operand 0 (element)' to be [T, h, N], found [T, 128], in @heads_element_shape}}
  %y = kern.gemm ins(%a, %w : tensor<?x4x16xf32, #T>, tensor<4x32x16xbf16>) outs(%o : tensor<?x4x32xf32, #T>) epilogue(%e : tensor<?x128xf32, #T>) [element] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x4x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @heads_row_shape(%a: tensor<?x4x16xf32, #T>, %w: tensor<4x32x16xbf16>, %o: tensor<?x4x32xf32, #T>, %e: tensor<?x4xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'operand 0 (row)' to be [T], found [T, 4], in @heads_row_shape}}
  %y = kern.gemm ins(%a, %w : tensor<?x4x16xf32, #T>, tensor<4x32x16xbf16>) outs(%o : tensor<?x4x32xf32, #T>) epilogue(%e : tensor<?x4xf32, #T>) [row] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x4x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @heads_column_shape(%a: tensor<?x4x16xf32, #T>, %w: tensor<4x32x16xbf16>, %o: tensor<?x4x32xf32, #T>, %e: tensor<128xf32>) {
  // expected-error @below {{'kern.gemm' op expected 'operand 0 (column)' to be [N] with N = 32 (as in 'outs'), found [128], in @heads_column_shape}}
  %y = kern.gemm ins(%a, %w : tensor<?x4x16xf32, #T>, tensor<4x32x16xbf16>) outs(%o : tensor<?x4x32xf32, #T>) epilogue(%e : tensor<128xf32>) [column] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x4x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @heads_group_shape(%a: tensor<?x4x16xf32, #T>, %w: tensor<4x32x16xbf16>, %o: tensor<?x4x32xf32, #T>, %e: tensor<5xf32>) {
  // expected-error @below {{'kern.gemm' op expected 'operand 0 (group)' to be [h] with h = 4 (as in 'a'), found [5], in @heads_group_shape}}
  %y = kern.gemm ins(%a, %w : tensor<?x4x16xf32, #T>, tensor<4x32x16xbf16>) outs(%o : tensor<?x4x32xf32, #T>) epilogue(%e : tensor<5xf32>) [group] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x4x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @grouped_element_shape(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %o: tensor<?x64xf32, #T4>, %e: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'operand 0 (element)' to be [T * k, N] with T * k = T*4 (as in 'rows'), found [T, 64], in @grouped_element_shape}}
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<17xi32> rows tensor<?xi32, #T4>) outs(%o : tensor<?x64xf32, #T4>) epilogue(%e : tensor<?x64xf32, #T>) [element] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T4>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @grouped_row_shape(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %o: tensor<?x64xf32, #T4>, %e: tensor<?xf32, #T>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'operand 0 (row)' to be [T * k] with T * k = T*4 (as in 'rows'), found [T], in @grouped_row_shape}}
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<17xi32> rows tensor<?xi32, #T4>) outs(%o : tensor<?x64xf32, #T4>) epilogue(%e : tensor<?xf32, #T>) [row] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T4>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @grouped_column_shape(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %o: tensor<?x64xf32, #T4>, %e: tensor<128xf32>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'operand 0 (column)' to be [N] with N = 64 (as in 'outs'), found [128], in @grouped_column_shape}}
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<17xi32> rows tensor<?xi32, #T4>) outs(%o : tensor<?x64xf32, #T4>) epilogue(%e : tensor<128xf32>) [column] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T4>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @grouped_group_shape(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %o: tensor<?x64xf32, #T4>, %e: tensor<17xf32>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'operand 0 (group)' to be [E] with E = 16 (as in 'weight'), found [17], in @grouped_group_shape}}
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<17xi32> rows tensor<?xi32, #T4>) outs(%o : tensor<?x64xf32, #T4>) epilogue(%e : tensor<17xf32>) [group] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T4>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @combine_element_shape(%x: tensor<?x128xf32, #T4>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>, %o: !x, %e: tensor<?x128xf32, #T4>) {
  // expected-error @below {{'kern.combine' op expected 'operand 0 (element)' to be [T, H] with T = T (as in 'slots'), found [T*4, 128], in @combine_element_shape}}
  %y = kern.combine ins(%x, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) outs(%o : !x) epilogue(%e : tensor<?x128xf32, #T4>) [element] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @combine_row_shape(%x: tensor<?x128xf32, #T4>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>, %o: !x, %e: tensor<?xf32, #T4>) {
  // expected-error @below {{'kern.combine' op expected 'operand 0 (row)' to be [T] with T = T (as in 'slots'), found [T*4], in @combine_row_shape}}
  %y = kern.combine ins(%x, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) outs(%o : !x) epilogue(%e : tensor<?xf32, #T4>) [row] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @combine_column_shape(%x: tensor<?x128xf32, #T4>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>, %o: !x, %e: tensor<4xf32>) {
  // expected-error @below {{'kern.combine' op expected 'operand 0 (column)' to be [H] with H = 128 (as in 'x'), found [4], in @combine_column_shape}}
  %y = kern.combine ins(%x, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) outs(%o : !x) epilogue(%e : tensor<4xf32>) [column] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @combine_group(%x: tensor<?x128xf32, #T4>, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>, %o: !x, %e: tensor<4xf32>) {
  // expected-error @below {{'kern.combine' op expected an access kind of this op for operand 0, found group, in @combine_group; hint: element, row or column}}
  %y = kern.combine ins(%x, %s, %w : tensor<?x128xf32, #T4>, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) outs(%o : !x) epilogue(%e : tensor<4xf32>) [group] {
  ^bb0(%acc: f32, %b: f32):
    kern.yield %acc : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// Scalar regions.
func.func @region_arguments(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected arguments (f32) of region 'apply', found (bf16), in @region_arguments}}
  %y = kern.rowwise ins(%x : !x) [element] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: bf16):
    kern.yield %a : bf16
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @region_op(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected ops of the scalar table in region 'apply', found 'math.tanh', in @region_op; hint: see include/dsv3/Support/ScalarOps.def}}
  %y = kern.rowwise ins(%x : !x) [element] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    %b = math.tanh %a : f32
    kern.yield %b : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// The table has maxnumf, whose meaning is fmax.
func.func @region_maximumf(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected ops of the scalar table in region 'apply', found 'arith.maximumf', in @region_maximumf; hint: see include/dsv3/Support/ScalarOps.def}}
  %y = kern.rowwise ins(%x : !x) [element] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    %b = arith.maximumf %a, %a : f32
    kern.yield %b : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @region_outside(%x: !x, %s: f32) {
  // expected-error @below {{'kern.rowwise' op expected values of region 'apply' alone, found an operand of 'arith.mulf' from outside, in @region_outside; hint: make it an input}}
  %y = kern.rowwise ins(%x : !x) [element] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    %b = arith.mulf %a, %s : f32
    kern.yield %b : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @region_yield(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected region 'apply' to yield (f32), found (f32, f32), in @region_yield}}
  %y = kern.rowwise ins(%x : !x) [element] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    kern.yield %a, %a : f32, f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @region_blocks(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected one block in region 'contribution', found 0, in @region_blocks}}
  %y = kern.rowwise ins(%x : !x) [element] outs(%x : !x) reduce add contribution {
  } finish {
  } apply {
  ^bb0(%a: f32, %s: f32):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @region_needless(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected empty regions 'contribution' and 'finish' without a reduction, found ops, in @region_needless; hint: write `reduce add`}}
  %y = kern.rowwise ins(%x : !x) [element] outs(%x : !x) reduce none contribution {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } finish {
  } apply {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @rowwise_results(%x: !x) {
  // expected-error @below {{'kern.rowwise' op expected a result for each of 1 destinations, found 2, in @rowwise_results; hint: a kernel writes at least one}}
  %y:2 = kern.rowwise ins(%x : !x) [element] outs(%x : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> !x, !x
  return
}
