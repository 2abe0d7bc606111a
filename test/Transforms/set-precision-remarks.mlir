// RUN: dsv3-opt %s --dsv3-set-precision --remarks-filter=dsv3 --verify-diagnostics

// expected-remark @below {{policy f32: activations and cache f32, weights as stored}}
module {
}
