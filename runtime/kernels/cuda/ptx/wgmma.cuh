//===- wgmma.cuh - products of a warp group on tensor cores -----*- C++ -*-===//
//
// wgmma, PTX ISA "Asynchronous Warpgroup Level Matrix Multiply-Accumulate Instructions": four
// warps, the first of which has a number that is a multiple of four, multiply matrices in
// shared memory while they go on. All of their lanes come to each function here. Of sm_90a.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/kernels/cuda/ptx/mma.cuh"

namespace dsv3::gpu {

/// Sums of a thread of a product of 64 x 128, and of one of 64 x 64.
inline constexpr int productSums = 64, halfProductSums = 32;

#define DSV3_PRODUCT_SUMS(X)                                                                       \
  X(sums[0]), X(sums[1]), X(sums[2]), X(sums[3]), X(sums[4]), X(sums[5]), X(sums[6]), X(sums[7]),  \
      X(sums[8]), X(sums[9]), X(sums[10]), X(sums[11]), X(sums[12]), X(sums[13]), X(sums[14]),     \
      X(sums[15]), X(sums[16]), X(sums[17]), X(sums[18]), X(sums[19]), X(sums[20]), X(sums[21]),   \
      X(sums[22]), X(sums[23]), X(sums[24]), X(sums[25]), X(sums[26]), X(sums[27]), X(sums[28]),   \
      X(sums[29]), X(sums[30]), X(sums[31]), X(sums[32]), X(sums[33]), X(sums[34]), X(sums[35]),   \
      X(sums[36]), X(sums[37]), X(sums[38]), X(sums[39]), X(sums[40]), X(sums[41]), X(sums[42]),   \
      X(sums[43]), X(sums[44]), X(sums[45]), X(sums[46]), X(sums[47]), X(sums[48]), X(sums[49]),   \
      X(sums[50]), X(sums[51]), X(sums[52]), X(sums[53]), X(sums[54]), X(sums[55]), X(sums[56]),   \
      X(sums[57]), X(sums[58]), X(sums[59]), X(sums[60]), X(sums[61]), X(sums[62]), X(sums[63])
#define DSV3_IN_OUT(SUM) "+f"(SUM)
#define DSV3_PRODUCT_REGISTERS                                                                     \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                        \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "               \
  "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "               \
  "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
#define DSV3_HALF_SUMS(X)                                                                          \
  X(sums[0]), X(sums[1]), X(sums[2]), X(sums[3]), X(sums[4]), X(sums[5]), X(sums[6]), X(sums[7]),  \
      X(sums[8]), X(sums[9]), X(sums[10]), X(sums[11]), X(sums[12]), X(sums[13]), X(sums[14]),     \
      X(sums[15]), X(sums[16]), X(sums[17]), X(sums[18]), X(sums[19]), X(sums[20]), X(sums[21]),   \
      X(sums[22]), X(sums[23]), X(sums[24]), X(sums[25]), X(sums[26]), X(sums[27]), X(sums[28]),   \
      X(sums[29]), X(sums[30]), X(sums[31])
#define DSV3_HALF_REGISTERS                                                                        \
  "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "                        \
  "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "

/// Comes before the first product of a kernel, and before one whose sums the thread has touched.
__device__ inline void fenceProducts(float (&sums)[productSums]) {
  asm volatile("wgmma.fence.sync.aligned;" : DSV3_PRODUCT_SUMS(DSV3_IN_OUT)::"memory");
}
__device__ inline void fenceProducts(float (&sums)[halfProductSums]) {
  asm volatile("wgmma.fence.sync.aligned;" : DSV3_HALF_SUMS(DSV3_IN_OUT)::"memory");
}
/// Begins sums += a b, or sums = a b where it does not add: 64 rows of `a` times 128 rows of `b`,
/// each of 16 columns of bf16.
__device__ inline void multiplyGroup(float (&sums)[productSums], uint64 a, uint64 b,
                                     bool adds = true) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.u32 p, %66, 0;\n"
               "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 " DSV3_PRODUCT_REGISTERS
               "%64, %65, p, 1, 1, 0, 0;\n}"
               : DSV3_PRODUCT_SUMS(DSV3_IN_OUT)
               : "l"(a), "l"(b), "r"(int(adds))
               : "memory");
}
/// The same with 64 rows of `b`.
__device__ inline void multiplyGroup(float (&sums)[halfProductSums], uint64 a, uint64 b,
                                     bool adds = true) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.u32 p, %34, 0;\n"
               "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " DSV3_HALF_REGISTERS
               "%32, %33, p, 1, 1, 0, 0;\n}"
               : DSV3_HALF_SUMS(DSV3_IN_OUT)
               : "l"(a), "l"(b), "r"(int(adds))
               : "memory");
}
/// Begins sums += a b with an `a` in registers: a fragment of 64 x 16 (PTX ISA, "Register Fragments
/// for wgmma.mma_async.m64nNk16"), which nobody touches until the product is waited for.
__device__ inline void multiplyFragment(float (&sums)[productSums], const uint32 (&a)[4],
                                        uint64 b) {
  asm volatile("{\n.reg .pred p;\nsetp.eq.u32 p, 0, 0;\n"
               "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 " DSV3_PRODUCT_REGISTERS
               "{%64, %65, %66, %67}, %68, p, 1, 1, 0;\n}"
               : DSV3_PRODUCT_SUMS(DSV3_IN_OUT)
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)
               : "memory");
}
/// The same with the 16 rows of 128 columns of a `b` that are added up: matrixDescriptor of wide
/// rows.
__device__ inline void multiplyTransposed(float (&sums)[productSums], const uint32 (&a)[4],
                                          uint64 b) {
  asm volatile("{\n.reg .pred p;\nsetp.eq.u32 p, 0, 0;\n"
               "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 " DSV3_PRODUCT_REGISTERS
               "{%64, %65, %66, %67}, %68, p, 1, 1, 1;\n}"
               : DSV3_PRODUCT_SUMS(DSV3_IN_OUT)
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)
               : "memory");
}
/// Begins sums += a b, or sums = a b where it does not add: each of 32 columns of codes of e4m3.
/// The tensor cores of sm_90a keep about 14 bits of such sums.
__device__ inline void multiplyGroupOfCodes(float (&sums)[productSums], uint64 a, uint64 b,
                                            bool adds) {
  asm volatile("{\n.reg .pred p;\nsetp.ne.u32 p, %66, 0;\n"
               "wgmma.mma_async.sync.aligned.m64n128k32.f32.e4m3.e4m3 " DSV3_PRODUCT_REGISTERS
               "%64, %65, p, 1, 1;\n}"
               : DSV3_PRODUCT_SUMS(DSV3_IN_OUT)
               : "l"(a), "l"(b), "r"(int(adds))
               : "memory");
}
/// Ends a group of products.
__device__ inline void commitProducts() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/// Waits until no more than `pending` groups are unfinished. Sums may be touched once theirs are
/// finished.
template <int pending>
__device__ inline void waitForProducts(float (&sums)[productSums]) {
  asm volatile("wgmma.wait_group.sync.aligned %64;"
               : DSV3_PRODUCT_SUMS(DSV3_IN_OUT)
               : "n"(pending)
               : "memory");
}
template <int pending>
__device__ inline void waitForProducts(float (&sums)[halfProductSums]) {
  asm volatile("wgmma.wait_group.sync.aligned %32;"
               : DSV3_HALF_SUMS(DSV3_IN_OUT)
               : "n"(pending)
               : "memory");
}
/// The registers are the thread's again once such products have been waited for, not before.
__device__ inline void releaseFragment(uint32 (&a)[4]) {
  asm volatile("" : "+r"(a[0]), "+r"(a[1]), "+r"(a[2]), "+r"(a[3])::"memory");
}
#undef DSV3_PRODUCT_REGISTERS
#undef DSV3_IN_OUT
#undef DSV3_PRODUCT_SUMS
#undef DSV3_HALF_SUMS
#undef DSV3_HALF_REGISTERS

/// Gives registers of the warps' threads back, or waits for more; then they have `count`.
template <int count>
__device__ inline void giveRegisters() {
  static_assert(count >= 24 && count <= 256 && count % 8 == 0, "what setmaxnreg takes");
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(count));
}
template <int count>
__device__ inline void takeRegisters() {
  static_assert(count >= 24 && count <= 256 && count % 8 == 0, "what setmaxnreg takes");
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(count));
}

} // namespace dsv3::gpu
