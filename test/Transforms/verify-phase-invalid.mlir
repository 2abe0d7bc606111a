// RUN: not dsv3-opt %s --split-input-file --dsv3-verify-phase=phase=graph 2>&1 | FileCheck %s --check-prefix=GRAPH
// RUN: not dsv3-opt %s --split-input-file --dsv3-verify-phase=phase=import 2>&1 | FileCheck %s --check-prefix=IMPORT
// RUN: not dsv3-opt %s --split-input-file --dsv3-verify-phase=phase=fused 2>&1 | FileCheck %s --check-prefix=FUSED
// RUN: not dsv3-opt %s --split-input-file --dsv3-verify-phase=phase=kernels 2>&1 | FileCheck %s --check-prefix=KERNELS
// RUN: not dsv3-opt %s --split-input-file --dsv3-verify-phase=phase=planned 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not dsv3-opt %s --split-input-file --dsv3-verify-phase=phase=fused 2>&1 | FileCheck %s --check-prefix=SIZES
// Leftovers come in one diagnostic: by op, count and place.

// NAME: error: no border after phase 'planned'; there is one after import, graph, sharded, fused, kernels, configured

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

// IMPORT: error: after phase 'import' these ops are left:
// IMPORT-NEXT: 1 × kern.yield in @add

// GRAPH: error: after phase 'graph' these ops are left:
// GRAPH-NEXT: 1 × kern.yield in @add
// GRAPH-NEXT: 1 × kern.def in @add

// FUSED: error: after phase 'fused' these ops are left:
// FUSED-NEXT: 3 × dsv3.add in @decode @prefill
// FUSED-NOT: ×

// KERNELS: error: after phase 'kernels' these ops are left:
// KERNELS: 4 × dsv3.add in @add @decode @prefill
// KERNELS: 1 × kern.def in @add
kern.def @add kind "add" ins(%x: !x) outs(%o: !x) {
  %y = dsv3.add %x, %x : !x
  kern.yield %y : !x
}
func.func @decode(%x: !x) -> !x {
  %y = dsv3.add %x, %x : !x
  %z = dsv3.add %y, %x : !x
  return %z : !x
}
func.func @prefill(%x: !x) -> !x {
  %y = dsv3.add %x, %x : !x
  return %y : !x
}

// -----

// What a kernel counts is no size: a pass that gave it a name is refused, in entries, layers and kernels.

// A function belongs to the entry that calls it.
func.func @decode(%e: tensor<?x4xi32, #dsv3.dims<"T">>) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 4, sizes = [#dsv3.size<"T", max = 4>, #dsv3.size<"O", max = 4>]}} {
  dsv3.call_layer @moe layer 0 () : () -> ()
  return
}
// SIZES: error: 'kern.empty' op has a size 'M' that its entry gives no maximum, in @moe (layer 0); hint: a name is a size that the host knows before a step; what a kernel counts is read from a tensor, as the offsets of dsv3.dispatch are
func.func private @moe() attributes {dsv3.layers = array<i64: 0>} {
  %e2 = kern.empty : tensor<?x128xf32, #dsv3.dims<"M">>
  return
}

// -----

func.func @decode(%x: tensor<?x128xf32, #dsv3.dims<"T">>) attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 4, sizes = [#dsv3.size<"T", max = 4>]}} {
  // SIZES: error: 'kern.empty' op has a size 'M' that its entry gives no maximum, in @decode; hint
  %e = kern.empty : tensor<?x64xf32, #dsv3.dims<"M*2">>
  return
}

// -----

// SIZES: error: 'kern.def' op has a size 'M' that its entry gives no maximum; hint
kern.def @decode.add kind "add" ins(%x: tensor<?x128xf32, #dsv3.dims<"M">>) outs(%o: tensor<?x128xf32, #dsv3.dims<"M">>) maxima [#dsv3.size<"T", max = 4>] {
  %y = dsv3.add %x, %x : tensor<?x128xf32, #dsv3.dims<"M">>
  kern.yield %y : tensor<?x128xf32, #dsv3.dims<"M">>
}
