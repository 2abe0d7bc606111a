// RUN: dsv3-opt %s --kern-configure=variants=sm_90a | dsv3-translate --kernels-to-cuda | FileCheck %s
// RUN: dsv3-opt %s --kern-configure=variants=sm_80 | dsv3-translate --kernels-to-cuda | FileCheck %s --check-prefix=SM80
// A text for people and NVRTC: who launches it, configuration and why; a functor for each scalar
// region, which loads operands as their access kinds say; one function with the ABI of
// dsv3/Plan/GpuKernel.h.

#T = #dsv3.dims<"T">
!x = tensor<?x96xf32, #T>
// CHECK-LABEL: //===- kernel test.norm -===//
// CHECK-NEXT: // @test.norm (kind "norm"): kern.rowwise.
// CHECK-NEXT: // For sm_90a: threads=128, since 128 threads share the 96 columns of a row.
// CHECK-NEXT: #include "runtime/kernels/cuda/family/rowwise.cuh"
// CHECK: struct Contribution {
// CHECK-NEXT: const float *x0;
// CHECK-NEXT: const bf16 *x1;
// CHECK-NEXT: __device__ float operator()(Place at) const {
// CHECK-NEXT: float e0 = x0[at.row * 96 + at.column];
// CHECK-NEXT: float v0 = e0 * e0;
// CHECK-NEXT: return v0;
// CHECK: struct Finish {
// CHECK-NEXT: __device__ float operator()(float sum) const {
// CHECK-NEXT: float v0 = quotient(1.0f, squareRoot(sum));
// CHECK-NEXT: return v0;
// CHECK: struct Apply {
// CHECK: float *x2;
// CHECK-NEXT: __device__ void operator()(Place at, float finished) const {
// CHECK-NEXT: float e0 = x0[at.row * 96 + at.column];
// CHECK-NEXT: bf16 e1 = x1[at.column];
// CHECK-NEXT: float v0 = toFloat(e1);
// CHECK-NEXT: float v1 = e0 * finished;
// CHECK-NEXT: float v2 = v1 * v0;
// CHECK-NEXT: float v3 = v2 + (-0.100000001f);
// CHECK-NEXT: x2[at.row * 96 + at.column] = v3;
// CHECK: extern "C" __global__ void __launch_bounds__(128) test_norm(
// CHECK-NEXT: const float *__restrict__ x0, // [T, 96]
// CHECK-NEXT: const bf16 *__restrict__ x1, // [96]
// CHECK-NEXT: float *__restrict__ x2, // [T, 96]
// CHECK-NEXT: int64 T,
// CHECK-NEXT: uint64 *mark, uint32 number) {
// CHECK-NEXT: static_assert(rowwiseSharedBytes == 128, "shared memory as in the family table");
// CHECK-NEXT: Launch launch = dependentLaunch(mark, number);
// SM80-LABEL: //===- kernel test.norm -===//
// SM80: Launch launch{mark, number};
// SM80-NEXT: rowwiseSum<96, 128>(launch,
// CHECK-NEXT: rowwiseSum<96, 128>(launch, Contribution{x0, x1}, Finish{}, Apply{x0, x1, x2});
kern.def @test.norm kind "norm" family "rowwise" sizes ["T"] ins(%x: !x, %w: tensor<96xbf16>) outs(%o: !x) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %y = kern.rowwise ins(%x, %w : !x, tensor<96xbf16>) [element, column] outs(%o : !x) reduce add contribution {
  ^bb0(%a: f32, %b: bf16):
    %q = arith.mulf %a, %a : f32
    kern.yield %q : f32
  } finish {
  ^bb0(%r: f32):
    %s = math.rsqrt %r : f32
    kern.yield %s : f32
  } apply {
  ^bb0(%a: f32, %b: bf16, %s: f32):
    %c = arith.constant -0.1 : f32
    %f = arith.extf %b : bf16 to f32
    %p = arith.mulf %a, %s : f32
    %q = arith.mulf %p, %f : f32
    %r = arith.addf %q, %c : f32
    kern.yield %r : f32
  } -> !x
  kern.yield %y : !x
}

// A view of heads, without a reduction: offset and strides are constants. What no op uses is not loaded.
// CHECK-LABEL: //===- kernel part -===//
// CHECK: x1[at.row * 32 + at.column] = v0;
// CHECK: rowwise<32, 32>(launch, Apply{x0, x1});
!o = tensor<?x32xf32, #T>
kern.def @part kind "part" family "rowwise" sizes ["T"] ins(%x: !x) outs(%o: !o) attributes {maxima = [#dsv3.size<"T", max = 8>]} {
  %v = kern.view %x offset 64 : !x -> !o
  %y = kern.rowwise ins(%v : !o) [element] outs(%o : !o) reduce none contribution {
  } finish {
  } apply {
  ^bb0(%a: f32):
    %n = arith.negf %a : f32
    kern.yield %n : f32
  } -> !o
  kern.yield %y : !o
}
