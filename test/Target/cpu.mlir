// RUN: dsv3-opt %s --kern-configure | dsv3-translate --kernels-to-cpu | FileCheck %s
// Two functions for each kernel and variant: one with the ABI of dsv3/Plan/Kernel.h, which
// unpacks it, and one that walks the tiles; vectors are as wide as the variant's.

#T = #dsv3.dims<"T">
!x = tensor<?x32xf32, #T>

// CHECK-LABEL: // x86-64-v3
// CHECK: llvm.func internal @double.tiles(%{{.+}}: !llvm.ptr, %{{.+}}: !llvm.ptr {llvm.noalias}, %{{.+}}: i64, %{{.+}}: i64, %{{.+}}: i64, %{{.+}}: !llvm.ptr {llvm.noalias}) -> i64
// CHECK: scf.for
// CHECK: arith.addf %{{.+}}, %{{.+}} : vector<8xf32>
// CHECK: llvm.func @double(%{{.+}}: !llvm.ptr, %{{.+}}: !llvm.ptr, %{{.+}}: i32, %{{.+}}: i32, %{{.+}}: !llvm.ptr) -> i32
// CHECK: llvm.call @double.tiles
// CHECK-LABEL: // x86-64-v4
// CHECK: arith.addf %{{.+}}, %{{.+}} : vector<16xf32>
kern.def @double kind "sum" family "rowwise" sizes ["T"] ins(%x: !x) outs(%o: !x) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.rowwise ins(%x : !x) [element] outs(%o : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    %b = arith.addf %a, %a : f32
    kern.yield %b : f32
  } -> !x
  kern.yield %y : !x
}
