// RUN: dsv3-opt %s --kern-configure=variants=sm_80 | dsv3-translate --kernels-to-cuda | FileCheck %s
// argmax: a row a block, whose warps tell each other by shared memory what they found.

#O = #dsv3.dims<"O">
!i = tensor<?xi32, #O>
// CHECK-LABEL: //===- kernel argmax -===//
// CHECK: #include "runtime/kernels/cuda/family/argmax.cuh"
// CHECK: const float *__restrict__ x, // [O, 1000]
// CHECK-NEXT: const int32 *__restrict__ limits, // [O]
// CHECK-NEXT: int32 *__restrict__ out, // [O]
// CHECK: static_assert(blockBestBytes == 256, "shared memory as in the family table");
// CHECK: argmax<1000, 1024>(launch, Rows<const float, 0, 1000, 1000>{x}, limits, out);
kern.def @argmax kind "argmax" family "argmax" sizes ["O"] ins(%x: tensor<?x1000xf32, #O>, %n: !i) outs(%o: !i) attributes {maxima = [#dsv3.size<"O", max = 8>]} {
  %y = kern.argmax ins(%x, %n : tensor<?x1000xf32, #O>, !i) outs(%o : !i) -> !i
  kern.yield %y : !i
}
