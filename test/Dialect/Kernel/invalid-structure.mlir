// RUN: dsv3-opt %s --split-input-file --verify-diagnostics
// One case for each diagnostic of groups, definitions, launches and views: the rule, both values, where it is, a hint.

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
  // expected-error @below {{'kern.yield' op expects parent op to be one of 'kern.group, kern.def, kern.rowwise, kern.gemm, kern.grouped_gemm, kern.combine, kern.expanded_attention'}}
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
// expected-error @below {{'kern.def' op attribute 'maxima' failed to satisfy constraint: #dsv3.size}}
kern.def @maxima kind "norm" ins(%x: !x) outs(%o: !x) maxima [8] {
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

!x = tensor<4x128xf32>
kern.def @two kind "two" ins(%x: !x) outs(%o: !x, %p: !x) {
  kern.yield %x, %x : !x, !x
}
func.func @twice(%x: !x) {
  %e = kern.empty : !x
  // expected-error @below {{'kern.launch' op expected a destination for each result, found destination 1 twice, in @twice; hint: give each a kern.empty of its own}}
  %y:2 = kern.launch @two ins(%x : !x) outs(%e, %e : !x, !x) -> !x, !x
  return
}
