// RUN: dsv3-opt %s --kern-configure=variants=sm_90a -o %t.mlir
// RUN: dsv3-translate --kernels-to-cuda --line-info %t.mlir > %t.cu
// RUN: FileCheck %s < %t.cu
// Each line of a kernel stands for the line of the module that it comes from; the file has no folder in its name.
// CHECK: using namespace dsv3::gpu;
// CHECK: #line [[#CORE:]] "line-info.mlir.tmp.mlir"
// CHECK-NEXT: struct Apply {
// CHECK: operator()(Place at) const {
// CHECK-NEXT: #line [[#CORE]] "line-info.mlir.tmp.mlir"
// CHECK-NEXT: {{^}}    float e0 = x0[at.row * 96 + at.column];
// CHECK-NEXT: #line [[#NEGATED:CORE+4]] "line-info.mlir.tmp.mlir"
// CHECK-NEXT: {{^}}    float v0 = -e0;
// CHECK-NEXT: #line [[#NEGATED+1]] "line-info.mlir.tmp.mlir"
// CHECK-NEXT: {{^}}    x1[at.row * 96 + at.column] = v0;
// CHECK-NEXT: #line [[#CORE]] "line-info.mlir.tmp.mlir"
// CHECK-NEXT: {{^}}  }
// CHECK: #line [[#CORE-1]] "line-info.mlir.tmp.mlir"
// CHECK-NEXT: extern "C" __global__ void
// CHECK-NEXT: #line [[#CORE-1]] "line-info.mlir.tmp.mlir"
// CHECK: #line [[#CORE]] "line-info.mlir.tmp.mlir"
// CHECK-NEXT: {{^}}  Launch launch = dependentLaunch(mark, number);

// Without directives the text is the one that is printed without the flag.
// RUN: dsv3-translate --kernels-to-cuda %t.mlir > %t.plain
// RUN: grep -v '^#line' %t.cu | cmp - %t.plain
// RUN: not dsv3-translate --kernels-to-cpu --line-info %t.mlir 2>&1 | FileCheck %s --check-prefix=CPU
// CPU: expected --line-info beside --kernels-to-cuda, found it beside --kernels-to-cpu

!x = tensor<?x96xf32, #dsv3.dims<"T">>
kern.def @negate kind "negate" family "rowwise" sizes ["T"] ins(%x: !x) outs(%o: !x) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.rowwise ins(%x : !x) [element] outs(%o : !x) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    %n = arith.negf %a : f32
    kern.yield %n : f32
  } -> !x
  kern.yield %y : !x
}
