// RUN: dsv3-opt %s --convert-dsv3-to-kern --split-input-file --verify-diagnostics
// What no core op computes is refused by name, with what to do about it.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// Two products in one kernel.
// expected-error @below {{no core op computes dsv3.linear, dsv3.linear together; make them groups of their own}}
kern.def @two kind "two" ins(%x: !x, %w: tensor<128x128xbf16>) outs(%o: !x) {
  %a = dsv3.linear %x, %w : !x, tensor<128x128xbf16> -> !x
  %b = dsv3.linear %a, %w : !x, tensor<128x128xbf16> -> !x
  kern.yield %b : !x
}

// -----

#T = #dsv3.dims<"T">
// A rotation without an append.
// expected-error @below {{no core op computes dsv3.rope together; make them groups of their own}}
kern.def @rope kind "rope" ins(%x: tensor<?x8xf32, #T>, %c: tensor<?x4xf32, #T>) outs(%o: tensor<?x8xf32, #T>) {
  %a = dsv3.rope %x, %c, %c : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  kern.yield %a : tensor<?x8xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// What a definition has no business with.
// expected-error @below {{no core op computes 'dsv3.observe'; lower it before, or leave it out of the entry}}
kern.def @observe kind "observe" ins(%x: !x) outs() {
  dsv3.observe "hidden" %x layer 0 : !x
  kern.yield
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{expected one result of a product, found 2; leave other ops out of the group}}
kern.def @two_results kind "linear" ins(%x: !x, %w: tensor<128x128xbf16>) outs(%o: !x, %p: !x) {
  %a = dsv3.linear %x, %w : !x, tensor<128x128xbf16> -> !x
  %b = dsv3.add %a, %x : !x
  kern.yield %a, %b : !x, !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// An addition before the product is no view of a buffer.
// expected-error @below {{'dsv3.add' within a kernel's input is no view of a buffer; leave it out of the group}}
kern.def @prologue kind "linear" ins(%x: !x, %w: tensor<128x128xbf16>) outs(%o: !x) {
  %a = dsv3.add %x, %x : !x
  %b = dsv3.linear %a, %w : !x, tensor<128x128xbf16> -> !x
  kern.yield %b : !x
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>
// expected-error @below {{two norms in one kernel; leave one out of the group}}
kern.def @two_norms kind "norm" ins(%x: !x, %w: tensor<128xbf16>) outs(%o: !x) {
  %a = dsv3.rms_norm %x, %w eps 1.0e-06 : !x, tensor<128xbf16>
  %b = dsv3.rms_norm %a, %w eps 1.0e-06 : !x, tensor<128xbf16>
  kern.yield %b : !x
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>
// An append without its norm.
kern.def @append kind "append" ins(%c: !cache, %l: tensor<?x32xf32, #T>, %k: tensor<?x8xf32, #T>, %p: tensor<?xi32, #T>) outs() {
  // expected-error @below {{expected the latent's norm, the key's and the query's rotation in the group of an append; run dsv3-lower-rope-append}}
  dsv3.cache_append %c, %l, %k, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  kern.yield
}

// -----

#T = #dsv3.dims<"T">
!cache = !dsv3.cache<f32, latent = 32, rope = 8, page = 64, context = 128, requests = 1>
// Latent and key in two buffers.
kern.def @apart kind "append" ins(%c: !cache, %l: tensor<?x32xf32, #T>, %k: tensor<?x8xf32, #T>, %q: tensor<?x4x8xf32, #T>, %w: tensor<32xbf16>, %t: tensor<?x4xf32, #T>, %p: tensor<?xi32, #T>) outs(%o: tensor<?x4x8xf32, #T>) {
  %n = dsv3.rms_norm %l, %w eps 1.0e-06 : tensor<?x32xf32, #T>, tensor<32xbf16>
  %kr = dsv3.rope %k, %t, %t : tensor<?x8xf32, #T>, tensor<?x4xf32, #T>
  %qr = dsv3.rope %q, %t, %t : tensor<?x4x8xf32, #T>, tensor<?x4xf32, #T>
  // expected-error @below {{expected latent and key side by side in one buffer}}
  dsv3.cache_append %c, %n, %kr, %p, %p : !cache, tensor<?x32xf32, #T>, tensor<?x8xf32, #T>, tensor<?xi32, #T>
  kern.yield %qr : tensor<?x4x8xf32, #T>
}

// -----

#T = #dsv3.dims<"T">
!x = tensor<?x128xbf16, #T>
// Codes are what a kernel yields last.
kern.def @codes_first kind "norm" ins(%x: !x) outs(%q: tensor<?x128xf8E4M3FN, #T>, %s: tensor<?x1xf32, #T>, %o: !x) {
  %y = dsv3.add %x, %x : !x
  // expected-error @below {{expected one dsv3.quantise in a kernel, its codes and scales being what is yielded last}}
  %k, %t = dsv3.quantise %y group 128 : !x -> tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  kern.yield %k, %t, %y : tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>, !x
}

// -----

#T = #dsv3.dims<"T">
// No core op quantises what it gathers.
kern.def @gathered kind "embed" ins(%t: tensor<320x128xbf16>, %i: tensor<?xi32, #T>) outs(%q: tensor<?x128xf8E4M3FN, #T>, %s: tensor<?x1xf32, #T>) {
  %y = dsv3.embedding %i, %t : tensor<?xi32, #T>, tensor<320x128xbf16> -> tensor<?x128xbf16, #T>
  // expected-error @below {{no core op quantises the result of dsv3.embedding; leave it out of the group}}
  %k, %c = dsv3.quantise %y group 128 : tensor<?x128xbf16, #T> -> tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  kern.yield %k, %c : tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
}
