// RUN: dsv3-opt %s --dsv3-make-entry-points="rows=8 chunk=256" | FileCheck %s
// RUN: dsv3-opt %s --dsv3-make-entry-points="rows=1 chunk=256" | FileCheck %s --check-prefix=ONE
// Each bucket has its own copy of entry and layers, with the form of attention, the layers that it calls (each once,
// ascending), and maxima.

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">

// CHECK-NOT: @forward
// CHECK-LABEL: func.func private @decode.moe
// CHECK-SAME: dsv3.attention = "absorbed", dsv3.layers = array<i64: 0, 1>
// CHECK-LABEL: func.func @decode(
// CHECK-SAME: dsv3.entry = {max_tokens = 1 : i64, min_tokens = 1 : i64, role = "step", sizes = [#dsv3.size<"T", max = 1>, #dsv3.size<"O", max = 1>]}
// CHECK: dsv3.call_layer @decode.moe layer 0
// CHECK: dsv3.call_layer @decode.moe layer 1
// CHECK-LABEL: func.func private @rows.moe
// CHECK-SAME: dsv3.attention = "absorbed"
// CHECK-LABEL: func.func @rows(
// CHECK-SAME: max_tokens = 8 : i64, min_tokens = 2 : i64
// CHECK-LABEL: func.func private @prefill.moe
// CHECK-SAME: dsv3.attention = "expanded"
// CHECK-LABEL: func.func @prefill(
// CHECK-SAME: max_tokens = 256 : i64, min_tokens = 1 : i64
// The layer of the mtp entry is the one it calls.
// CHECK-LABEL: func.func private @mtp.moe
// CHECK-SAME: dsv3.layers = array<i64: 2>
// CHECK-LABEL: func.func @mtp(
// CHECK-SAME: dsv3.entry = {max_tokens = 256 : i64, min_tokens = 1 : i64, role = "mtp"
// CHECK: dsv3.call_layer @mtp.moe layer 2

// Without rows for absorbed steps there is no entry for them.
// ONE: func.func @decode(
// ONE-NOT: @rows
// ONE: func.func @prefill(
func.func private @moe(%x: tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T> attributes {dsv3.layers = array<i64: 0, 1, 2>} {
  return %x : tensor<?x8xf32, #T>
}
func.func @forward(%x: tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T> attributes {dsv3.entry = {role = "step"}} {
  %a = dsv3.call_layer @moe layer 0 (%x) : (tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T>
  %b = dsv3.call_layer @moe layer 1 (%a) : (tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T>
  %c = dsv3.call_layer @moe layer 0 (%b) : (tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T>
  return %c : tensor<?x8xf32, #T>
}
func.func @mtp(%x: tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T> attributes {dsv3.entry = {role = "mtp"}} {
  %a = dsv3.call_layer @moe layer 2 (%x) : (tensor<?x8xf32, #T>) -> tensor<?x8xf32, #T>
  return %a : tensor<?x8xf32, #T>
}
