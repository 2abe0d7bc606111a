// RUN: dsv3-opt %s --dsv3-outline-kernels | FileCheck %s
// Groups, and ops in none, become definitions named after the entry; equal ones are made once; views move into the
// kernels that read them; what nothing reads is erased.

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

// CHECK-NOT: @unread
dsv3.parameter @unread : tensor<128xbf16> from [#dsv3.segment<"unread", shape = [128], rows = 1>]
// CHECK: dsv3.parameter @norm
dsv3.parameter @norm : tensor<128xbf16> from [#dsv3.segment<"norm", shape = [128], rows = 1>]

// CHECK: kern.def @decode.residual_norm kind "residual_norm" ins(%[[A:[^:]+]]: tensor<?x128xf32{{[^:]*}}, %[[W:[^:]+]]: tensor<128xbf16>) outs(%{{[^:]+}}: tensor<?x128xf32{{[^:]*}}, %{{[^:]+}}: tensor<?x128xf32{{[^:]*}}) maxima [#dsv3.size<"T", max = 4>]
// CHECK-NEXT: %[[S:.+]] = dsv3.add %[[A]], %[[A]]
// CHECK-NEXT: %[[N:.+]] = dsv3.rms_norm %[[S]], %[[W]]
// CHECK-NEXT: kern.yield %[[S]], %[[N]]
// CHECK-NOT: kern.def @decode.residual_norm_
// The view is in the kernel: it reads the whole buffer.
// CHECK: kern.def @decode.add kind "add" ins(%[[B:[^:]+]]: tensor<?x128xf32
// CHECK-NEXT: %[[V:.+]] = dsv3.slice %[[B]][64, 64]
// CHECK-NEXT: dsv3.add %[[V]], %[[V]]

// CHECK-LABEL: func.func @decode(
// CHECK-SAME: %[[X:[^:]+]]: tensor<?x128xf32
// CHECK: %[[PW:.+]] = dsv3.weight @norm
// CHECK: %[[E:.+]] = kern.empty
// CHECK: %[[F:.+]] = kern.empty
// CHECK: %[[L:.+]]:2 = kern.launch @decode.residual_norm ins(%[[X]], %[[PW]] : {{.*}}) outs(%[[E]], %[[F]] :
// CHECK: %[[M:.+]]:2 = kern.launch @decode.residual_norm ins(%[[L]]#1, %[[PW]] :
// CHECK: %[[R:.+]] = kern.launch @decode.add ins(%[[M]]#0 :
// CHECK-NOT: dsv3.slice
// CHECK: return %[[R]]
func.func @decode(%x: !x) -> tensor<?x64xf32, #T> attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 4, sizes = [#dsv3.size<"T", max = 4>]}} {
  %u = dsv3.weight @unread : tensor<128xbf16>
  %w = dsv3.weight @norm : tensor<128xbf16>
  %g:2 = kern.group "residual_norm" -> !x, !x {
    %s = dsv3.add %x, %x : !x
    %n = dsv3.rms_norm %s, %w eps 1.0e-06 : !x, tensor<128xbf16>
    kern.yield %s, %n : !x, !x
  }
  %h:2 = kern.group "residual_norm" -> !x, !x {
    %s = dsv3.add %g#1, %g#1 : !x
    %n = dsv3.rms_norm %s, %w eps 1.0e-06 : !x, tensor<128xbf16>
    kern.yield %s, %n : !x, !x
  }
  %v = dsv3.slice %h#0 [64, 64] : !x
  %y = dsv3.add %v, %v : tensor<?x64xf32, #T>
  return %y : tensor<?x64xf32, #T>
}

// A declaration has nothing to outline.
// CHECK: func.func private @declared(
func.func private @declared(!x) -> !x

// What expands a weight goes into each kernel that reads it: the kernel is given what is stored.
// CHECK-LABEL: kern.def @expansions.linear
// CHECK-SAME: ins(%[[W:[^:]+]]: tensor<64x128xf8E4M3FN>, %[[S:[^:]+]]: tensor<1x1xf32>, %{{[^:]+}}: tensor<?x128xbf16
// CHECK: %[[E:.+]] = dsv3.dequantise %[[W]] scales %[[S]]
// CHECK: dsv3.linear %{{.+}}, %[[E]]
// CHECK-LABEL: func.func @expansions(
// CHECK-NOT: dsv3.dequantise
// CHECK: return
dsv3.parameter @expanded : tensor<64x128xf8E4M3FN> block [128, 128] from [#dsv3.segment<"expanded", scales = "expanded_s", shape = [64, 128], rows = 64>]
func.func @expansions(%x: tensor<?x128xbf16, #dsv3.dims<"T">>) -> tensor<?x64xbf16, #dsv3.dims<"T">> attributes {dsv3.entry = {role = "step", min_tokens = 1, max_tokens = 4, sizes = [#dsv3.size<"T", max = 4>]}} {
  %w, %s = dsv3.weight @expanded : tensor<64x128xf8E4M3FN> scales tensor<1x1xf32>
  %e = dsv3.dequantise %w scales %s block [128, 128] : tensor<64x128xf8E4M3FN>, tensor<1x1xf32> -> tensor<64x128xbf16>
  %y = dsv3.linear %x, %e : tensor<?x128xbf16, #dsv3.dims<"T">>, tensor<64x128xbf16> -> tensor<?x64xbf16, #dsv3.dims<"T">>
  return %y : tensor<?x64xbf16, #dsv3.dims<"T">>
}
