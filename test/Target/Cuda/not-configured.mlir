// RUN: not dsv3-translate --kernels-to-cuda %s 2>&1 | FileCheck %s
// CHECK: expected a module of phase configured, found no kernel that has a configuration for a GPU; hint: dsv3-compile --target=cuda --arch=sm_90a --stop-after=configured prints one
module {}
