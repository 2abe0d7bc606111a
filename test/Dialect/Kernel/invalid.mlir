// RUN: dsv3-opt %s --split-input-file --verify-diagnostics
// One case for each diagnostic of the dialect: the rule, both values, where it is, a hint.

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
#O = #dsv3.dims<"O">
!x = tensor<?x128xf32, #T>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// Groups and definitions.
func.func @group_types(%a: !x) {
  // expected-error @below {{'kern.group' op expected values of the results' types, (tensor<?x64xf32, #dsv3.dims<"T">>), found (tensor<?x128xf32, #dsv3.dims<"T">>), in @group_types}}
  %s = kern.group "sum" -> tensor<?x64xf32, #T> {
    %y = dsv3.add %a, %a : !x
    kern.yield %y : !x
  }
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @group_yield(%a: !x) {
  // expected-error @below {{'kern.group' op expected a kern.yield at the end, found none, in @group_yield}}
  kern.group "sum" {
    %y = dsv3.add %a, %a : !x
  }
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @yield_parent(%a: !x) {
  // expected-error @below {{'kern.yield' op expects parent op to be one of 'kern.group, kern.def, kern.rowwise, kern.gemm, kern.grouped_gemm, kern.combine'}}
  kern.yield %a : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
// expected-error @below {{'kern.def' op expected tensors as destinations, found !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>; hint: a cache is an input}}
kern.def @cache_destination kind "norm" ins(%x: !x) outs(%o: !cache) {
  kern.yield %x : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected a number of inputs of the 1 arguments, found 2}}
"kern.def"() <{sym_name = "inputs", kind = "norm", num_inputs = 2 : i64}> ({
^bb0(%x: !x):
  "kern.yield"() : () -> ()
}) : () -> ()

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected a kern.yield at the end, found none}}
kern.def @yield_missing kind "norm" ins(%x: !x) outs() {
  %y = dsv3.add %x, %x : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected a value for each of 1 destinations, found 0}}
kern.def @yield_count kind "norm" ins(%x: !x) outs(%o: !x) {
  kern.yield
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected a value of the destination's type, tensor<?x64xf32, #dsv3.dims<"T">>, found tensor<?x128xf32, #dsv3.dims<"T">>}}
kern.def @yield_type kind "norm" ins(%x: !x) outs(%o: tensor<?x64xf32, #T>) {
  kern.yield %x : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected a core op of family 'rowwise', found 'none'}}
kern.def @no_core kind "norm" family "rowwise" sizes ["T"] ins(%x: !x) outs(%o: !x) {
  kern.yield %x : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected a core op of family 'rowwise', found 'gather'}}
kern.def @other_core kind "rows" family "rowwise" sizes ["T"] ins(%x: !x, %i: tensor<?xi32, #T>) outs(%o: !x) {
  %y = kern.gather ins(%x, %i : !x, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected views besides the core op 'kern.gather', found 'kern.gather'; hint: one kernel has one core op}}
kern.def @two_cores kind "rows" family "gather" sizes ["T"] ins(%x: !x, %i: tensor<?xi32, #T>) outs(%o: !x) {
  %y = kern.gather ins(%x, %i : !x, tensor<?xi32, #T>) outs(%o : !x) -> !x
  %z = kern.gather ins(%y, %i : !x, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected the results of the core op to be yielded, in order, found other values}}
kern.def @yields_input kind "rows" family "gather" sizes ["T"] ins(%x: !x, %i: tensor<?xi32, #T>) outs(%o: !x) {
  %y = kern.gather ins(%x, %i : !x, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %x : !x
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected 'sizes' to have the size 'O' of an argument, found [T]}}
kern.def @sizes kind "rows" family "gather" sizes ["T"] ins(%x: !x, %i: tensor<?xi32, #O>) outs(%o: tensor<?x128xf32, #O>) {
  %y = kern.gather ins(%x, %i : !x, tensor<?xi32, #O>) outs(%o : tensor<?x128xf32, #O>) -> tensor<?x128xf32, #O>
  kern.yield %y : tensor<?x128xf32, #O>
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected five 'tiles' and bytes of 'scratch' in the configuration of 'x86-64-v3', found other tiles; hint: kern-configure writes them}}
kern.def @configs kind "rows" family "gather" sizes ["T"] ins(%x: !x, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {scratch = 0, tiles = array<i64: 1, 1>}} {
  %y = kern.gather ins(%x, %i : !x, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{'kern.def' op expected 'maxima' to be #dsv3.size, found [8]; hint: write [#dsv3.size<"T", max = 512>]}}
kern.def @maxima kind "norm" ins(%x: !x) outs(%o: !x) attributes {maxima = [8]} {
  kern.yield %x : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// Launches.
func.func @launch_nothing(%x: !x) {
  // expected-error @below {{'kern.launch' op expected a kern.def, found none of the name @nothing, in @launch_nothing}}
  %y = kern.launch @nothing ins(%x : !x) outs(%x : !x) -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @norm kind "norm" ins(%x: !x) outs(%o: !x) {
  kern.yield %x : !x
}
func.func @launch_count(%x: !x) {
  // expected-error @below {{'kern.launch' op expected 1 inputs of @norm, found 2, in @launch_count}}
  %y = kern.launch @norm ins(%x, %x : !x, !x) outs(%x : !x) -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @norm kind "norm" ins(%x: !x) outs(%o: !x) {
  kern.yield %x : !x
}
func.func @launch_type(%x: !x, %z: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.launch' op expected destination 0 of @norm to be tensor<?x128xf32, #dsv3.dims<"T">>, found tensor<?x64xf32, #dsv3.dims<"T">>, in @launch_type}}
  %y = kern.launch @norm ins(%x : !x) outs(%z : tensor<?x64xf32, #T>) -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
// Views.
func.func @view_rank(%x: tensor<128xf32>) {
  // expected-error @below {{'kern.view' op expected 'source' to be [T, n], found [128], in @view_rank}}
  %v = kern.view %x offset 0 : tensor<128xf32> -> tensor<?x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
!x = tensor<?x128xf32, #T>
func.func @view_rows(%x: !x) {
  // expected-error @below {{'kern.view' op expected 'result' to be [T, columns] with T = T (as in 'source'), found [O, 8], in @view_rows}}
  %v = kern.view %x offset 0 : !x -> tensor<?x8xf32, #O>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @view_type(%x: !x) {
  // expected-error @below {{'kern.view' op expected elements of 'result' to be f32, found bf16, in @view_type}}
  %v = kern.view %x offset 0 : !x -> tensor<?x8xbf16, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @view_dynamic(%x: tensor<?x?xf32, #dsv3.dims<"T", "O">>) {
  // expected-error @below {{'kern.view' op expected numbers of columns, found [T, O] and [T, 8], in @view_dynamic}}
  %v = kern.view %x offset 0 : tensor<?x?xf32, #dsv3.dims<"T", "O">> -> tensor<?x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @view_columns(%x: tensor<?x96xf32, #T>) {
  // expected-error @below {{'kern.view' op expected columns within the 96 of 'source', found offset 17, 4 heads at stride 24 of 8 columns, in @view_columns}}
  %v = kern.view %x offset 17 stride 24 : tensor<?x96xf32, #T> -> tensor<?x4x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @view_no_stride(%x: tensor<?x96xf32, #T>) {
  // expected-error @below {{'kern.view' op expected a stride above 0 between heads, found 0, in @view_no_stride}}
  %v = kern.view %x offset 16 : tensor<?x96xf32, #T> -> tensor<?x4x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @view_stride(%x: tensor<?x96xf32, #T>) {
  // expected-error @below {{'kern.view' op expected no stride without heads, found 24, in @view_stride}}
  %v = kern.view %x offset 16 stride 24 : tensor<?x96xf32, #T> -> tensor<?x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @view_of_view kind "rows" ins(%x: !x) outs(%o: tensor<?x8xf32, #T>) {
  %v = kern.view %x offset 16 : !x -> tensor<?x16xf32, #T>
  // expected-error @below {{'kern.view' op expected an argument of the kern.def, found a result of 'kern.view'; hint: view the argument itself}}
  %w = kern.view %v offset 8 : tensor<?x16xf32, #T> -> tensor<?x8xf32, #T>
  kern.yield %w : tensor<?x8xf32, #T>
}

// -----

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

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @access_integers(%x: !x, %i: tensor<?xi32, #T>) {
  // expected-error @below {{'kern.rowwise' op expected floats as elements of 'operand 1 (row)', found i32, in @access_integers}}
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
  // expected-error @below {{'kern.rowwise' op expected empty regions 'contribution' and 'finish' without a reduction, found ops, in @region_needless; hint: write `reduce add` or `reduce max`}}
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

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// Products.
func.func @gemm_parts(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'parts' above 0, found 0, in @gemm_parts}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) parts 0 epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_rows(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'weight' to be [parts * N, K] with parts * N = 128 (from 'outs' and 'parts'), found [64, 128], in @gemm_rows}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) parts 2 epilogue() [] {
  ^bb0(%g: f32, %u: f32):
    kern.yield %g : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_arguments(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x32xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected an accumulator for each of 2 parts and an argument for each of 0 operands in region 'epilogue', found 1 arguments, in @gemm_arguments}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x32xf32, #T>) parts 2 epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @gemm_element(%a: tensor<?x128xbf16, #T>, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected elements of 'a' to be f32, found bf16, in @gemm_element}}
  %y = kern.gemm ins(%a, %w : tensor<?x128xbf16, #T>, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
!x = tensor<?x128xf32, #T>
func.func @gemm_result(%a: !x, %w: tensor<64x128xbf16>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected a result of the destination's type, tensor<?x64xf32, #dsv3.dims<"T">>, found tensor<?x64xf32, #dsv3.dims<"O">>, in @gemm_result}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xbf16>) outs(%o : tensor<?x64xf32, #T>) epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x64xf32, #O>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @gemm_heads(%a: tensor<?x4x16xf32, #T>, %w: tensor<5x32x16xbf16>, %o: tensor<?x4x32xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected 'weight' to be [h, parts * N, K] with h = 4 (as in 'a'), found [5, 32, 16], in @gemm_heads}}
  %y = kern.gemm ins(%a, %w : tensor<?x4x16xf32, #T>, tensor<5x32x16xbf16>) outs(%o : tensor<?x4x32xf32, #T>) epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x4x32xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @gemm_scales(%a: !x, %w: tensor<64x128xf8E4M3FN>, %o: tensor<?x64xf32, #T>) {
  // expected-error @below {{'kern.gemm' op expected scales and block of the FP8 weight 'weight', found none, in @gemm_scales; hint: write `scales %s block [128, 128]`}}
  %y = kern.gemm ins(%a, %w : !x, tensor<64x128xf8E4M3FN>) outs(%o : tensor<?x64xf32, #T>) epilogue() [] {
  ^bb0(%g: f32):
    kern.yield %g : f32
  } -> tensor<?x64xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @grouped_parts(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %r: tensor<?xi32, #T4>, %o: tensor<?x64xf32, #T4>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'parts' above 0, found -1, in @grouped_parts}}
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<17xi32> rows tensor<?xi32, #T4>) outs(%o : tensor<?x64xf32, #T4>) parts -1 epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T4>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @grouped_offsets(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<16xi32>, %r: tensor<?xi32, #T4>, %o: tensor<?x64xf32, #T4>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'offsets' to be [E + 1] with E + 1 = 17 (one more than the experts of 'weight'), found [16], in @grouped_offsets}}
  %y = kern.grouped_gemm ins(%a, %w, %off rows %r : !x, tensor<16x64x128xbf16>, tensor<16xi32> rows tensor<?xi32, #T4>) outs(%o : tensor<?x64xf32, #T4>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T4>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
!x = tensor<?x128xf32, #T>
func.func @grouped_entries(%a: !x, %w: tensor<16x64x128xbf16>, %off: tensor<17xi32>, %o: tensor<?x64xf32, #T4>) {
  // expected-error @below {{'kern.grouped_gemm' op expected 'outs' to be [T * k, N] with T * k = T (as in 'a'), found [T*4, 64], in @grouped_entries}}
  %y = kern.grouped_gemm ins(%a, %w, %off : !x, tensor<16x64x128xbf16>, tensor<17xi32>) outs(%o : tensor<?x64xf32, #T4>) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> tensor<?x64xf32, #T4>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
func.func @combine(%x: !x, %s: tensor<?x4xi32, #T>, %w: tensor<?x4xf32, #T>) {
  // expected-error @below {{'kern.combine' op expected 'x' to be [T * k, H] with T * k = T*4 (the choices of a step), found [T, 128], in @combine}}
  %y = kern.combine ins(%x, %s, %w : !x, tensor<?x4xi32, #T>, tensor<?x4xf32, #T>) outs(%x : !x) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// What moves rows.
func.func @gather_table(%t: tensor<320x128xf8E4M3FN>, %i: tensor<?xi32, #T>, %o: !x) {
  // expected-error @below {{'kern.gather' op expected elements of 'table' to be f32, bf16 or f16, found f8E4M3FN, in @gather_table}}
  %y = kern.gather ins(%t, %i : tensor<320x128xf8E4M3FN>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">
!x = tensor<?x128xf32, #T>
func.func @gather_rows(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #O>, %o: !x) {
  // expected-error @below {{'kern.gather' op expected 'outs' to be [O, H] with O = O (as in 'ids'), found [T, 128], in @gather_rows}}
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #O>) outs(%o : !x) -> !x
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @concat(%a: tensor<?x8xf32, #T>, %o: tensor<?x17xf32, #T>) {
  // expected-error @below {{'kern.concat' op expected 'outs' to be [T, m + n] with m + n = 16 (from 'lhs' and 'rhs'), found [T, 17], in @concat}}
  %y = kern.concat ins(%a, %a : tensor<?x8xf32, #T>, tensor<?x8xf32, #T>) outs(%o : tensor<?x17xf32, #T>) -> tensor<?x17xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @dispatch_rows(%e: tensor<?x4xi32, #T>, %o: tensor<17xi32>, %r: tensor<?xi32, #T>) {
  // expected-error @below {{'kern.dispatch' op expected 'rows' to be [T * k] with T * k = T*4 (from 'experts'), found [T], in @dispatch_rows}}
  %a, %b, %c = kern.dispatch ins(%e : tensor<?x4xi32, #T>) outs(%o, %r, %e : tensor<17xi32>, tensor<?xi32, #T>, tensor<?x4xi32, #T>) -> tensor<17xi32>, tensor<?xi32, #T>, tensor<?x4xi32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
#T4 = #dsv3.dims<"T*4">
func.func @dispatch_offsets(%e: tensor<?x4xi32, #T>, %o: tensor<1xi32>, %r: tensor<?xi32, #T4>) {
  // expected-error @below {{'kern.dispatch' op expected offsets of at least one expert, found 1, in @dispatch_offsets}}
  %a, %b, %c = kern.dispatch ins(%e : tensor<?x4xi32, #T>) outs(%o, %r, %e : tensor<1xi32>, tensor<?xi32, #T4>, tensor<?x4xi32, #T>) -> tensor<1xi32>, tensor<?xi32, #T4>, tensor<?x4xi32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
func.func @router(%l: tensor<?x16xf32, #T>, %b: tensor<16xf32>, %eo: tensor<?x9xi32, #T>, %wo: tensor<?x9xf32, #T>) {
  // expected-error @below {{'kern.router' op expected 'top_k' to fit into 2 groups of 4 experts, found 9, in @router}}
  %e, %w = kern.router ins(%l, %b : tensor<?x16xf32, #T>, tensor<16xf32>) outs(%eo, %wo : tensor<?x9xi32, #T>, tensor<?x9xf32, #T>) groups 4 of 2 scale 2.5 -> tensor<?x9xi32, #T>, tensor<?x9xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
// Attention.
func.func @rope_table(%p: tensor<?xi32, #T>, %o: tensor<?x4xf32, #T>) {
  // expected-error @below {{'kern.rope_table' op expected 'cos' to be [T, r/2] with r/2 = 2 (as in 'inverse_frequencies'), found [T, 4], in @rope_table}}
  %c, %s = kern.rope_table ins(%p : tensor<?xi32, #T>) outs(%o, %o : tensor<?x4xf32, #T>, tensor<?x4xf32, #T>) {inverse_frequencies = array<f32: 1.0, 0.1>, multiplier = 1.0 : f32} -> tensor<?x4xf32, #T>, tensor<?x4xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @rope_append(%q: tensor<?x4x8xf32, #T>, %kv: tensor<?x48xf32, #T>, %w: tensor<32xbf16>, %c: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %cache: !cache) {
  // expected-error @below {{'kern.rope_append' op expected 'kv' to be [T, c + r] with c + r = 40 (as in the cache), found [T, 48], in @rope_append}}
  %y = kern.rope_append ins(%q, %kv, %w, %c, %c, %p, %p : tensor<?x4x8xf32, #T>, tensor<?x48xf32, #T>, tensor<32xbf16>, tensor<?x4xf32, #T>, tensor<?x4xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) into(%cache : !cache) outs(%q : tensor<?x4x8xf32, #T>) eps 1.0e-06 -> tensor<?x4x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @rope_append_eps(%q: tensor<?x4x8xf32, #T>, %kv: tensor<?x40xf32, #T>, %w: tensor<32xbf16>, %c: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>, %cache: !cache) {
  // expected-error @below {{'kern.rope_append' op expected 'eps' above 0, found -1, in @rope_append_eps}}
  %y = kern.rope_append ins(%q, %kv, %w, %c, %c, %p, %p : tensor<?x4x8xf32, #T>, tensor<?x40xf32, #T>, tensor<32xbf16>, tensor<?x4xf32, #T>, tensor<?x4xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) into(%cache : !cache) outs(%q : tensor<?x4x8xf32, #T>) eps -1.0 -> tensor<?x4x8xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @latent_attention(%q: tensor<?x4x16xf32, #T>, %r: tensor<?x4x8xf32, #T>, %p: tensor<?xi32, #T>, %cache: !cache) {
  // expected-error @below {{'kern.latent_attention' op expected 'query' to be [T, h, c] with c = 32 (as in the cache), found [T, 4, 16], in @latent_attention}}
  %y = kern.latent_attention ins(%q, %r, %p, %p : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%q : tensor<?x4x16xf32, #T>) scale 2.0e-01 -> tensor<?x4x16xf32, #T>
  return
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 2>
func.func @expanded_attention(%q: tensor<?x4x16xf32, #T>, %r: tensor<?x4x8xf32, #T>, %w: tensor<4x32x32xbf16>, %p: tensor<?xi32, #T>, %o: tensor<?x4x24xf32, #T>, %cache: !cache) {
  // expected-error @below {{'kern.expanded_attention' op expected 'weight' to be [h, n + v, c] with n + v = 40 (from 'query' and 'outs'), found [4, 32, 32], in @expanded_attention}}
  %y = kern.expanded_attention ins(%q, %r, %w, %p, %p : tensor<?x4x16xf32, #T>, tensor<?x4x8xf32, #T>, tensor<4x32x32xbf16>, tensor<?xi32, #T>, tensor<?xi32, #T>) from(%cache : !cache) outs(%o : tensor<?x4x24xf32, #T>) scale 2.0e-01 -> tensor<?x4x24xf32, #T>
  return
}
