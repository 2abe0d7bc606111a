// RUN: not dsv3-translate --kernels-to-cpu %s 2>&1 | FileCheck %s
// A module of an earlier phase has no code yet: that is said, rather than nothing printed.
// CHECK: error: expected a module of phase configured, found no kernel that has a configuration
// CHECK-SAME: hint: dsv3-compile --stop-after=configured
module {}
