// RUN: dsv3-translate --kernels-to-plan %s --split-input-file --verify-diagnostics
// What cannot be planned: the two that disagree, or what to run first.

// expected-error @below {{expected kernels to plan, found none; run dsv3-outline-kernels first}}
module {
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// The first kernel has a configuration, the second none.
kern.def @configured kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// expected-error @below {{kernel without a configuration; run kern-configure first}}
kern.def @bare kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{unknown variant 'z80'}}
kern.def @variant kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"z80" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!w = tensor<320x128xbf16>
!logits = tensor<?x320xf32, #T>
// Rows of a table lie row by row, the weight of a product in panels.
dsv3.parameter @embed_tokens : !w from [#dsv3.segment<"embed_tokens.weight", shape = [320, 128], rows = 320>]
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: !w, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : !w, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
kern.def @head kind "linear" family "gemm" sizes ["T"] ins(%x: !x, %w: !w) outs(%o: !logits) configs {"x86-64-v3" = {flight = 1, k_block = 128, m_tile = 1, mr = 1, nr = 16, panels = 1, scratch = 64, tiles = array<i64: 0, 1, 1, 20, 0>}} {
  %y = kern.gemm ins(%x, %w : !x, !w) outs(%o : !logits) epilogue() [] {
  ^bb0(%acc: f32):
    kern.yield %acc : f32
  } -> !logits
  kern.yield %y : !logits
}
func.func @decode(%ids: tensor<?xi32, #T> {dsv3.name = "ids"}) -> (!logits {dsv3.name = "logits"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  %w = dsv3.weight @embed_tokens : !w
  %e = kern.empty : !x
  %x = kern.launch @embed ins(%w, %ids : !w, tensor<?xi32, #T>) outs(%e : !x) -> !x
  %f = kern.empty : !logits
  // expected-error @below {{kernels @embed and @head want parameter @embed_tokens in different layouts; give each of them a parameter of its own}}
  %y = kern.launch @head ins(%x, %w : !x, !w) outs(%f : !logits) -> !logits
  return %y : !logits
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// expected-error @below {{expected ports with a name and a named number of rows, found 'i32'}}
func.func @scalar(%ids: i32 {dsv3.name = "ids"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// expected-error @below {{expected ports with a name and a named number of rows, found 'tensor<f32>'}}
func.func @rankless(%ids: tensor<f32> {dsv3.name = "ids"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// expected-error @below {{expected ports with a name and a named number of rows, found 'tensor<?xf32>'}}
func.func @nameless(%ids: tensor<?xf32> {dsv3.name = "ids"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// expected-error @below {{expected ports with a name and a named number of rows, found 'tensor<?xf32, #dsv3.dims<"T">>'}}
func.func @label(%ids: tensor<?xf32, #T> {dsv3.name = 3}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// expected-error @below {{expected ports with a row for each of a named size, found 'tensor<?xf32, #dsv3.dims<"T*4">>'}}
func.func @multiple(%ids: tensor<?xf32, #dsv3.dims<"T*4">> {dsv3.name = "ids"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// expected-error @below {{expected rows of a number or a name, and a number of columns, found 'tensor<?x?xf32, #dsv3.dims<"T", "T">>'}}
func.func @columns(%ids: tensor<?x?xf32, #dsv3.dims<"T", "T">> {dsv3.name = "ids"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// expected-error @below {{plans have no element type 'i7'}}
func.func @element(%ids: tensor<?xi7, #T> {dsv3.name = "ids"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// expected-error @below {{expected a function with a body}}
func.func private @declared() attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// The variants are those of the first kernel.
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
// expected-error @below {{expected a configuration for x86-64-v3; run kern-configure first}}
kern.def @other kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v4" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
func.func @decode(%ids: tensor<?xi32, #T> {dsv3.name = "ids"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
func.func @decode(%ids: tensor<?xi32, #T> {dsv3.name = "ids"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  %e = kern.empty : tensor<4x128xf32>
  // expected-error @below {{expected a value with rows for each token of the step, found 'tensor<4x128xf32>'}}
  dsv3.observe "hidden" %e layer 0 : tensor<4x128xf32>
  return
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
kern.def @embed kind "rows" family "gather" sizes ["T"] ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%o: !x) configs {"x86-64-v3" = {rows = 1, scratch = 0, tiles = array<i64: 0, 1, 1, 1, 0>}} {
  %y = kern.gather ins(%t, %i : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  kern.yield %y : !x
}
dsv3.parameter @w : tensor<320x128xbf16> from [#dsv3.segment<"w", shape = [320, 128], rows = 320>]
func.func @shared(%ids: tensor<?xi32, #T> {dsv3.name = "ids"}) -> (!x {dsv3.name = "hidden"}) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 8, sizes = [#dsv3.size<"T", max = 8>]}} {
  %w = dsv3.weight @w : tensor<320x128xbf16>
  // expected-error @below {{expected one launch to write to it, found several uses; give each result a kern.empty of its own}}
  %e = kern.empty : !x
  %o = kern.empty : !x
  %y = kern.launch @embed ins(%w, %ids : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%e : !x) -> !x
  %z = kern.launch @embed ins(%w, %ids : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%e : !x) -> !x
  %r = kern.launch @embed ins(%w, %ids : tensor<320x128xbf16>, tensor<?xi32, #T>) outs(%o : !x) -> !x
  return %r : !x
}
