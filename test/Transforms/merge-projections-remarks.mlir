// RUN: dsv3-opt %s --dsv3-merge-projections --remarks-filter=dsv3 --split-input-file --verify-diagnostics

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>

dsv3.parameter @q : tensor<48x128xbf16> from [#dsv3.segment<"q", shape = [48, 128], rows = 48>]
dsv3.parameter @kv : tensor<40x128xbf16> from [#dsv3.segment<"kv", shape = [40, 128], rows = 40>]

func.func @merged(%x: tensor<?x128xf32, #T>, %n: tensor<32xbf16>, %p: tensor<?xi32, #T>, %c: !cache) -> tensor<?x48xf32, #T> {
  %wq = dsv3.weight @q : tensor<48x128xbf16>
  %wk = dsv3.weight @kv : tensor<40x128xbf16>
  // expected-remark-re @below {{[Passed] merge-projections{{.*}}@q and @kv as one product of 88 columns}}
  %q = dsv3.linear %x, %wq : tensor<?x128xf32, #T>, tensor<48x128xbf16> -> tensor<?x48xf32, #T>
  %kv = dsv3.linear %x, %wk : tensor<?x128xf32, #T>, tensor<40x128xbf16> -> tensor<?x40xf32, #T>
  %l = dsv3.slice %kv [0, 32] : tensor<?x40xf32, #T>
  %ln = dsv3.rms_norm %l, %n eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %k = dsv3.slice %kv [32, 8] : tensor<?x40xf32, #T>
  dsv3.cache_append %c, %ln, %k, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return %q : tensor<?x48xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>

dsv3.parameter @q : tensor<48x128xf32> from [#dsv3.segment<"q", shape = [48, 128], rows = 48>]
dsv3.parameter @kv : tensor<40x128xbf16> from [#dsv3.segment<"kv", shape = [40, 128], rows = 40>]

func.func @types(%x: tensor<?x128xf32, #T>, %n: tensor<32xbf16>, %p: tensor<?xi32, #T>, %c: !cache) -> tensor<?x48xf32, #T> {
  %wq = dsv3.weight @q : tensor<48x128xf32>
  %wk = dsv3.weight @kv : tensor<40x128xbf16>
  %q = dsv3.linear %x, %wq : tensor<?x128xf32, #T>, tensor<48x128xf32> -> tensor<?x48xf32, #T>
  // expected-remark-re @below {{[Missed] merge-projections{{.*}}@q and @kv are stored with different types}}
  %kv = dsv3.linear %x, %wk : tensor<?x128xf32, #T>, tensor<40x128xbf16> -> tensor<?x40xf32, #T>
  %l = dsv3.slice %kv [0, 32] : tensor<?x40xf32, #T>
  %ln = dsv3.rms_norm %l, %n eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %k = dsv3.slice %kv [32, 8] : tensor<?x40xf32, #T>
  dsv3.cache_append %c, %ln, %k, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return %q : tensor<?x48xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>

dsv3.parameter @kv : tensor<40x128xbf16> from [#dsv3.segment<"kv", shape = [40, 128], rows = 40>]

func.func @alone(%x: tensor<?x128xf32, #T>, %n: tensor<32xbf16>, %p: tensor<?xi32, #T>, %c: !cache) {
  %wk = dsv3.weight @kv : tensor<40x128xbf16>
  // expected-remark-re @below {{[Missed] merge-projections{{.*}}no other product of a parameter reads the same rows}}
  %kv = dsv3.linear %x, %wk : tensor<?x128xf32, #T>, tensor<40x128xbf16> -> tensor<?x40xf32, #T>
  %l = dsv3.slice %kv [0, 32] : tensor<?x40xf32, #T>
  %ln = dsv3.rms_norm %l, %n eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %k = dsv3.slice %kv [32, 8] : tensor<?x40xf32, #T>
  dsv3.cache_append %c, %ln, %k, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  return
}
