//===- dependent.cuh - launches that overlap --------------------*- C++ -*-===//
//
// griddepcontrol, PTX ISA "Parallel Synchronization and Communication Instructions": a kernel that
// was launched so that it may begin before the launch before it has ended. Of sm_90.
//
//===----------------------------------------------------------------------===//
#pragma once

namespace dsv3::gpu {

/// The next launch may begin, once all blocks have come here.
__device__ inline void letNextLaunchBegin() {
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
}
/// All earlier launches have ended, and the thread sees what they wrote.
__device__ inline void waitForEarlierLaunches() {
  asm volatile("griddepcontrol.wait;" ::: "memory");
}

} // namespace dsv3::gpu
