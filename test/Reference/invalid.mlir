// What verifies and cannot be run, since values are not what an op needs: a sentence at the op.
// REQUIRES: interpret
// RUN: not dsv3-interpret run %s 2>&1 | FileCheck %s

!cache = !dsv3.cache<f32, latent = 2, rope = 2, page = 64, context = 128, requests = 2>

func.func @position_beyond(%cache: !cache) {
  %rows = check.constant dense<1.0> : tensor<2x2xf32>
  %positions = check.constant dense<[127, 128]> : tensor<2xi32>
  %requests = check.constant dense<0> : tensor<2xi32>
  // CHECK: :[[@LINE+1]]:3: error: expected positions below 128 and requests below 2, found position 128 of request 0
  dsv3.cache_append %cache, %rows, %rows, %positions, %requests : !cache, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xi32>
  return
}

func.func @request_beyond(%cache: !cache) {
  %rows = check.constant dense<1.0> : tensor<2x2xf32>
  %positions = check.constant dense<0> : tensor<2xi32>
  %requests = check.constant dense<[1, 2]> : tensor<2xi32>
  // CHECK: :[[@LINE+1]]:3: error: expected positions below 128 and requests below 2, found position 0 of request 2
  dsv3.cache_append %cache, %rows, %rows, %positions, %requests : !cache, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xi32>
  return
}

func.func @reads_an_empty_cache(%cache: !cache) {
  // CHECK: :[[@LINE+1]]:12: error: position 0 was never appended to the cache
  %c, %k = dsv3.cache_read %cache request 0 : !cache -> tensor<2x2xf32>, tensor<2x2xf32>
  return
}

func.func @sees_an_empty_cache(%cache: !cache) {
  %q = check.constant dense<0.0> : tensor<1x1x2xf32>
  %p = check.constant dense<0> : tensor<1xi32>
  // CHECK: :[[@LINE+1]]:8: error: a token sees a position that was never appended to the cache
  %o = dsv3.latent_attention %q, %q, %cache, %p, %p scale 1.0 : tensor<1x1x2xf32>, tensor<1x1x2xf32>, !cache, tensor<1xi32>
  return
}

func.func @expert_beyond() {
  %x = check.constant dense<1.0> : tensor<2x8xf32>
  %e = check.constant dense<[[0, 1], [1, 3]]> : tensor<2x2xi32>
  %w = check.constant dense<0.5> : tensor<2x2xf32>
  %g = check.constant dense<1.0> : tensor<3x8x8xf32>
  %d = check.constant dense<1.0> : tensor<3x8x4xf32>
  // CHECK: :[[@LINE+1]]:8: error: expected experts below 3
  %y = dsv3.experts %x, %e, %w, %g, %d : tensor<2x8xf32>, tensor<2x2xi32>, tensor<2x2xf32>, tensor<3x8x8xf32>, tensor<3x8x4xf32>
  return
}

func.func @dispatches_to_nobody() {
  %e = check.constant dense<[[0, -1]]> : tensor<1x2xi32> as tensor<?x2xi32, #dsv3.dims<"T">>
  // CHECK: :[[@LINE+1]]:16: error: expected experts below 3
  %o, %r, %s = dsv3.dispatch %e experts 3 : tensor<?x2xi32, #dsv3.dims<"T">>
  return
}

func.func @id_beyond() {
  %table = check.constant dense<1.0> : tensor<4x8xf32>
  %ids = check.constant dense<[3, 4]> : tensor<2xi32>
  // CHECK: :[[@LINE+1]]:8: error: an index is out of range of the table that it reads
  %x = dsv3.embedding %ids, %table : tensor<2xi32>, tensor<4x8xf32> -> tensor<2x8xf32>
  return
}

func.func @row_beyond() {
  %x = check.constant dense<1.0> : tensor<4x8xf32>
  %rows = check.constant dense<-1> : tensor<2xi32>
  // CHECK: :[[@LINE+1]]:8: error: an index is out of range of the table that it reads
  %y = dsv3.gather_rows %x, %rows : tensor<4x8xf32>, tensor<2xi32>
  return
}

func.func @more_entries_than_room() {
  %x = check.constant dense<1.0> : tensor<4x1xbf16>
  %w = check.constant dense<1.0> : tensor<2x1x1xbf16>
  %n = check.constant dense<[2, 3]> : tensor<2xi32>
  %o = kern.empty : tensor<4x1xf32>
  // CHECK: :[[@LINE+1]]:8: error: expected from 0 to 2 entries of an expert, found 3 at 1, in @more_entries_than_room
  %y = kern.grouped_gemm ins(%x, %w, %n capacity 2 : tensor<4x1xbf16>, tensor<2x1x1xbf16>, tensor<2xi32>) outs(%o : tensor<4x1xf32>) epilogue() [] {
  ^bb0(%a: f32):
    kern.yield %a : f32
  } -> tensor<4x1xf32>
  return
}
