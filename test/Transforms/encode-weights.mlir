// RUN: dsv3-opt %s --split-input-file --dsv3-encode-weights="weights=int8 head=fp8" | FileCheck %s
// RUN: dsv3-opt %s --split-input-file --dsv3-encode-weights=weights=int4 | FileCheck %s --check-prefix=INT4
// RUN: dsv3-opt %s --split-input-file --dsv3-encode-weights=weights=bf16 | FileCheck %s --check-prefix=BF16
// RUN: dsv3-opt %s --split-input-file --dsv3-encode-weights | FileCheck %s --check-prefix=STORED

#T = #dsv3.dims<"T">
#O = #dsv3.dims<"O">

// A product and the head; the norm and the embedding stay.
// CHECK-DAG: dsv3.parameter @w : tensor<64x100xi8> stored bf16 block [1, 32] from [#dsv3.segment<"w", shape = [64, 100], rows = 64>]
// CHECK-DAG: dsv3.parameter @lm_head : tensor<320x64xf8E4M3FN> stored bf16 block [128, 128] from
// CHECK-DAG: dsv3.parameter @norm : tensor<100xbf16> from
// CHECK-DAG: dsv3.parameter @embed : tensor<320x100xbf16> from
// CHECK-LABEL: func.func @products
// CHECK: %[[W:.+]], %[[S:.+]] = dsv3.weight @w : tensor<64x100xi8> scales tensor<64x4xf16>
// CHECK: dsv3.linear %{{.+}}, %[[W]] scales %[[S]] block [1, 32] : tensor<?x100xf32{{.*}}, tensor<64x100xi8>, tensor<64x4xf16>
// CHECK: %[[H:.+]], %[[HS:.+]] = dsv3.weight @lm_head : tensor<320x64xf8E4M3FN> scales tensor<3x1xf32>
// CHECK: dsv3.lm_head %{{.+}}, %[[H]] scales %[[HS]] block [128, 128]
// INT4-LABEL: func.func @products
// INT4: dsv3.weight @w : tensor<64x100xi4> scales tensor<64x4x2xf16>
// INT4: dsv3.lm_head {{.*}} : tensor<?x64xf32{{.*}}, tensor<320x64xbf16>
// STORED-NOT: stored
dsv3.parameter @embed : tensor<320x100xbf16> from [#dsv3.segment<"embed", shape = [320, 100], rows = 320>]
dsv3.parameter @norm : tensor<100xbf16> from [#dsv3.segment<"norm", shape = [100], rows = 1>]
dsv3.parameter @w : tensor<64x100xbf16> from [#dsv3.segment<"w", shape = [64, 100], rows = 64>]
dsv3.parameter @lm_head : tensor<320x64xbf16> from [#dsv3.segment<"lm_head", shape = [320, 64], rows = 320>]
func.func @products(%ids: tensor<?xi32, #O>) -> tensor<?x320xf32, #O> {
  %e = dsv3.weight @embed : tensor<320x100xbf16>
  %x = dsv3.embedding %ids, %e : tensor<?xi32, #O>, tensor<320x100xbf16> -> tensor<?x100xf32, #O>
  %n = dsv3.weight @norm : tensor<100xbf16>
  %y = dsv3.rms_norm %x, %n eps 1.0e-06 : tensor<?x100xf32, #O>, tensor<100xbf16>
  %w = dsv3.weight @w : tensor<64x100xbf16>
  %z = dsv3.linear %y, %w : tensor<?x100xf32, #O>, tensor<64x100xbf16> -> tensor<?x64xf32, #O>
  %h = dsv3.weight @lm_head : tensor<320x64xbf16>
  %l = dsv3.lm_head %z, %h : tensor<?x64xf32, #O>, tensor<320x64xbf16> -> tensor<?x320xf32, #O>
  return %l : tensor<?x320xf32, #O>
}

// -----

#T = #dsv3.dims<"T">

// Experts stored as FP8 keep the keys of their scales; the router's gate stays.
// CHECK-DAG: dsv3.parameter @up : tensor<8x48x64xi8> stored f8E4M3FN block [1, 32] parts 2 from [#dsv3.segment<"{expert}.gate", scales = "{expert}.gate_scale"
// CHECK-DAG: dsv3.parameter @down : tensor<8x64x24xi8> stored f8E4M3FN block [1, 32] from
// CHECK-DAG: dsv3.parameter @gate : tensor<8x64xbf16> from
// CHECK-LABEL: func.func @experts
// CHECK: dsv3.experts {{.*}} scales %{{.+}} block [1, 32], %{{.+}} scales %{{.+}} block [1, 32] : {{.*}}, tensor<8x48x64xi8>, tensor<8x64x24xi8> scales tensor<8x48x2xf16>, tensor<8x64x1xf16>
// BF16-DAG: dsv3.parameter @up : tensor<8x48x64xbf16> stored f8E4M3FN parts 2 from [#dsv3.segment<"{expert}.gate", scales = "{expert}.gate_scale"
// BF16-LABEL: func.func @experts
// BF16: dsv3.experts %{{.+}}, %{{.+}}, %{{.+}}, %{{[^ ]+}}, %{{[^ ]+}} : {{.*}}, tensor<8x48x64xbf16>, tensor<8x64x24xbf16>{{$}}
dsv3.parameter @gate : tensor<8x64xbf16> from [#dsv3.segment<"gate", shape = [8, 64], rows = 8>]
dsv3.parameter @bias : tensor<8xf32> from [#dsv3.segment<"bias", shape = [8], rows = 1>]
dsv3.parameter @up : tensor<8x48x64xf8E4M3FN> block [8, 128] parts 2 from [#dsv3.segment<"{expert}.gate", scales = "{expert}.gate_scale", shape = [24, 64], rows = 24>, #dsv3.segment<"{expert}.up", scales = "{expert}.up_scale", shape = [24, 64], rows = 24>]
dsv3.parameter @down : tensor<8x64x24xf8E4M3FN> block [128, 128] from [#dsv3.segment<"{expert}.down", scales = "{expert}.down_scale", shape = [64, 24], rows = 64>]
func.func @experts(%x: tensor<?x64xf32, #T>) -> tensor<?x64xf32, #T> {
  %g = dsv3.weight @gate : tensor<8x64xbf16>
  %logits = dsv3.linear %x, %g : tensor<?x64xf32, #T>, tensor<8x64xbf16> -> tensor<?x8xf32, #T>
  %b = dsv3.weight @bias : tensor<8xf32>
  %e, %w = dsv3.router %logits, %b groups 2 of 1 top 2 scale 1.0 normalise : tensor<?x8xf32, #T>, tensor<8xf32>
  %u, %us = dsv3.weight @up : tensor<8x48x64xf8E4M3FN> scales tensor<8x6x1xf32>
  %d, %ds = dsv3.weight @down : tensor<8x64x24xf8E4M3FN> scales tensor<8x1x1xf32>
  %y = dsv3.experts %x, %e, %w, %u scales %us block [8, 128], %d scales %ds block [128, 128] : tensor<?x64xf32, #T>, tensor<?x2xi32, #T>, tensor<?x2xf32, #T>, tensor<8x48x64xf8E4M3FN>, tensor<8x64x24xf8E4M3FN> scales tensor<8x6x1xf32>, tensor<8x1x1xf32>
  return %y : tensor<?x64xf32, #T>
}
