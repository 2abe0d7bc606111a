// RUN: not dsv3-opt %s --dsv3-verify-phase=phase=graph 2>&1 | FileCheck %s --check-prefix=GRAPH
// RUN: not dsv3-opt %s --dsv3-verify-phase=phase=import 2>&1 | FileCheck %s --check-prefix=IMPORT
// RUN: not dsv3-opt %s --dsv3-verify-phase=phase=fused 2>&1 | FileCheck %s --check-prefix=FUSED
// RUN: not dsv3-opt %s --dsv3-verify-phase=phase=kernels 2>&1 | FileCheck %s --check-prefix=KERNELS
// RUN: not dsv3-opt %s --dsv3-verify-phase=phase=planned 2>&1 | FileCheck %s --check-prefix=NAME
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
