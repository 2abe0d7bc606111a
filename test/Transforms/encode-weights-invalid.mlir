// RUN: not dsv3-opt %s --dsv3-encode-weights=weights=int5 2>&1 | FileCheck %s
// RUN: not dsv3-opt %s --dsv3-encode-weights=head=int4 2>&1 | FileCheck %s --check-prefix=HEAD
// Encodings that there are not are refused by name.

// CHECK: error: --weights: expected bf16, fp8, int8 or int4, found 'int5'; hint: leave it out to keep weights as they are stored
// HEAD: error: --head: expected bf16, fp8 or int8, found 'int4'; hint: leave it out to keep the head as it is stored
module {
}
