// RUN: dsv3-opt %s --dsv3-narrow-activations | FileCheck %s --check-prefixes=ALL,F32
// RUN: dsv3-opt %s --dsv3-narrow-activations=activations=int8 | FileCheck %s --check-prefixes=ALL,INT8
// RUN: dsv3-opt %s --dsv3-narrow-activations=activations=bf16 | FileCheck %s --check-prefixes=ALL,BF16
// Rows of products are quantised or rounded once for all products that read them, where their
// weights have a dot product with such rows. What products give stays f32.

#T = #dsv3.dims<"T">
#T2 = #dsv3.dims<"T*2">
!x = tensor<?x128xf32, #T>

// F32: dsv3.activations = "f32"
// INT8: dsv3.activations = "int8"
// BF16: dsv3.activations = "bf16"
module attributes {dsv3.policy = "f32"} {
  dsv3.parameter @i8 : tensor<128x128xi8> stored bf16 block [1, 32] from [#dsv3.segment<"i8", shape = [128, 128], rows = 128>]
  dsv3.parameter @i4 : tensor<128x128xi4> stored bf16 block [1, 32] from [#dsv3.segment<"i4", shape = [128, 128], rows = 128>]
  dsv3.parameter @bf16 : tensor<128x128xbf16> from [#dsv3.segment<"bf16", shape = [128, 128], rows = 128>]
  dsv3.parameter @gate : tensor<4x128xbf16> from [#dsv3.segment<"gate", shape = [4, 128], rows = 4>]
  dsv3.parameter @bias : tensor<4xf32> from [#dsv3.segment<"bias", shape = [4], rows = 1>]
  dsv3.parameter @experts : tensor<4x128x128xi8> stored bf16 block [1, 32] from [#dsv3.segment<"e{expert}", shape = [128, 128], rows = 128>]

  // ALL-LABEL: func.func @products(
  // ALL-SAME: %[[X:[^:]+]]: tensor<?x128xf32
  func.func @products(%x: !x) -> !x {
    // F32-NOT: dsv3.quantise
    // F32-NOT: dsv3.cast
    // INT8: %[[Q:.+]], %[[S:.+]] = dsv3.quantise %[[X]] group 32 : tensor<?x128xf32, #{{.*}}> -> tensor<?x128xi8, #{{.*}}>, tensor<?x4xf32
    // INT8: %[[W8:.+]], %[[S8:.+]] = dsv3.weight @i8
    // INT8: dsv3.linear %[[Q]] x_scales %[[S]], %[[W8]] scales %[[S8]] block [1, 32] : {{.*}} -> tensor<?x128xf32
    %w8, %s8 = dsv3.weight @i8 : tensor<128x128xi8> scales tensor<128x4xf16>
    %a = dsv3.linear %x, %w8 scales %s8 block [1, 32] : !x, tensor<128x128xi8>, tensor<128x4xf16> -> !x
    // INT8-NOT: dsv3.quantise
    // INT8: dsv3.linear %[[Q]] x_scales %[[S]], {{.*}} tensor<128x128xi4>, tensor<128x4x2xf16> -> tensor<?x128xf32
    %w4, %s4 = dsv3.weight @i4 : tensor<128x128xi4> scales tensor<128x4x2xf16>
    %b = dsv3.linear %x, %w4 scales %s4 block [1, 32] : !x, tensor<128x128xi4>, tensor<128x4x2xf16> -> !x
    // BF16: %[[C:.+]] = dsv3.cast %[[X]] : tensor<?x128xf32, #{{.*}}> -> tensor<?x128xbf16
    // BF16: dsv3.linear %[[X]], %{{.*}} tensor<128x128xi8>
    // BF16: dsv3.linear %[[X]], %{{.*}} tensor<128x128xi4>
    // BF16: dsv3.linear %[[C]], %{{.*}} : tensor<?x128xbf16, #{{.*}}>, tensor<128x128xbf16> -> tensor<?x128xf32
    // INT8: dsv3.linear %[[X]], %{{.*}} tensor<128x128xbf16>
    %w16 = dsv3.weight @bf16 : tensor<128x128xbf16>
    %c = dsv3.linear %x, %w16 : !x, tensor<128x128xbf16> -> !x
    // The router decides by f32.
    // ALL: dsv3.linear %[[X]], %{{.*}} -> tensor<?x4xf32
    %g = dsv3.weight @gate : tensor<4x128xbf16>
    %l = dsv3.linear %x, %g : !x, tensor<4x128xbf16> -> tensor<?x4xf32, #T>
    %bias = dsv3.weight @bias : tensor<4xf32>
    %i, %rw = dsv3.router %l, %bias groups 1 of 1 top 2 scale 1.0 normalise : tensor<?x4xf32, #T>, tensor<4xf32>
    %off, %rows, %slots = dsv3.dispatch %i experts 4 : tensor<?x2xi32, #T>
    // INT8: dsv3.grouped_linear %[[Q]] x_scales %[[S]], {{.*}} -> tensor<?x128xf32
    %ew, %es = dsv3.weight @experts : tensor<4x128x128xi8> scales tensor<4x128x4xf16>
    %y = dsv3.grouped_linear %x, %off rows %rows, %ew scales %es block [1, 32] : !x, tensor<5xi32> rows tensor<?xi32, #T2>, tensor<4x128x128xi8>, tensor<4x128x4xf16> -> tensor<?x128xf32, #T2>
    %z = dsv3.combine %y, %slots, %rw : tensor<?x128xf32, #T2>, tensor<?x2xi32, #T>, tensor<?x2xf32, #T>
    return %z : !x
  }
}
