// RUN: dsv3-opt %s --kern-configure=variants=sm_80 | dsv3-translate --kernels-to-cuda | FileCheck %s
// sample: a row a block, greedy or drawn as its row of words says when the kernel runs.

#O = #dsv3.dims<"O">
!i = tensor<?xi32, #O>
!s = tensor<?x7xi32, #O>
// CHECK-LABEL: //===- kernel sample -===//
// CHECK: #include "runtime/kernels/cuda/family/sample.cuh"
// CHECK: const float *__restrict__ x, // [O, 1000]
// CHECK-NEXT: const int32 *__restrict__ rows, // [O, 7]
// CHECK-NEXT: int32 *__restrict__ out, // [O]
// CHECK: static_assert(sampleSharedBytes == 16896, "shared memory as in the family table");
// CHECK: sample<1000, 1024>(launch, Rows<const float, 0, 1000, 1000>{x}, rows, out);
kern.def @sample kind "sample" family "sample" sizes ["O"] ins(%x: tensor<?x1000xf32, #O>, %s: !s) outs(%o: !i) attributes {maxima = [#dsv3.size<"O", max = 8>]} {
  %y = kern.sample ins(%x, %s : tensor<?x1000xf32, #O>, !s) outs(%o : !i) -> !i
  kern.yield %y : !i
}
