// RUN: dsv3-opt %s --dsv3-make-entry-points="rows=8 chunk=256" --remarks-filter=dsv3 -o /dev/null 2>&1 | FileCheck %s

// CHECK: [Analysis] make-entry-points {{.*}}Function=decode {{.*}}entry decode: 1 to 1 tokens, absorbed attention
// CHECK: [Analysis] make-entry-points {{.*}}Function=rows {{.*}}entry rows: 2 to 8 tokens, absorbed attention
// CHECK: [Analysis] make-entry-points {{.*}}Function=prefill {{.*}}entry prefill: 1 to 256 tokens, expanded attention
func.func @forward() attributes {dsv3.entry = {role = "step"}} {
  return
}
