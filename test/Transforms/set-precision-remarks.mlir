// RUN: dsv3-opt %s --dsv3-set-precision=policy=w8a8 --remarks-filter=dsv3 --verify-diagnostics
// RUN: dsv3-opt %s --dsv3-set-precision --remarks-filter=dsv3 2>&1 | FileCheck %s --check-prefix=F32
// RUN: dsv3-opt %s --dsv3-set-precision=policy=bf16 --remarks-filter=dsv3 2>&1 | FileCheck %s --check-prefix=BF16

// F32: policy f32: activations f32, weights as stored; cache f32
// BF16: policy bf16: activations and weights bf16, sums f32; cache bf16

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

// expected-remark @below {{policy w8a8: as bf16, but FP8 weights times rows quantised to FP8; cache bf16}}
module {
  dsv3.parameter @w : tensor<128x128xf8E4M3FN> block [128, 128] from [#dsv3.segment<"w", scales = "s", shape = [128, 128], rows = 128>]
  dsv3.parameter @w_uv : tensor<4x32x32xf8E4M3FN> block [32, 32] from [#dsv3.segment<"uv", scales = "uvs", shape = [128, 32], rows = 32, group_stride = 32>]
  func.func @forward(%x: !x) -> !x attributes {dsv3.entry = {role = "step"}} {
    %w, %s = dsv3.weight @w : tensor<128x128xf8E4M3FN> scales tensor<1x1xf32>
    // expected-remark @below {{rows quantised before the product of FP8 codes}}
    %y = dsv3.linear %x, %w scales %s block [128, 128] : !x, tensor<128x128xf8E4M3FN>, tensor<1x1xf32> -> !x
    %uv, %uvs = dsv3.weight @w_uv : tensor<4x32x32xf8E4M3FN> scales tensor<4x1x1xf32>
    %h = dsv3.split_heads %y heads 4 : !x
    // expected-remark @below {{@w_uv in bf16: its rows are not quantised}}
    %v = dsv3.head_linear %h, %uv scales %uvs block [32, 32] : tensor<?x4x32xf32, #T>, tensor<4x32x32xf8E4M3FN>, tensor<4x1x1xf32> -> tensor<?x4x32xf32, #T>
    %z = dsv3.merge_heads %v : tensor<?x4x32xf32, #T>
    return %z : !x
  }
}
