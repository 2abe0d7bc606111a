// RUN: dsv3-opt %s --dsv3-fuse-residual-norm --remarks-filter=dsv3 --verify-diagnostics

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

func.func @fused(%x: !x, %d: !x, %w: tensor<128xbf16>) -> !x {
  %s = dsv3.add %x, %d : !x
  // expected-remark-re @below {{[Passed] fuse-residual-norm{{.*}}residual addition and norm in one launch}}
  %n = dsv3.rms_norm %s, %w eps 1.0e-06 : !x, tensor<128xbf16>
  return %n : !x
}

func.func @first_norm(%x: !x, %w: tensor<128xbf16>) -> !x {
  // expected-remark-re @below {{[Missed] fuse-residual-norm{{.*}}no residual addition right before the norm}}
  %n = dsv3.rms_norm %x, %w eps 1.0e-06 : !x, tensor<128xbf16>
  return %n : !x
}

// The sum is read between the two: the group would come too late for that.
func.func @read_between(%x: !x, %d: !x, %w: tensor<128xbf16>) -> (!x, !x) {
  %s = dsv3.add %x, %d : !x
  %t = dsv3.add %s, %s : !x
  // expected-remark-re @below {{[Missed] fuse-residual-norm{{.*}}no residual addition right before the norm}}
  %n = dsv3.rms_norm %s, %w eps 1.0e-06 : !x, tensor<128xbf16>
  return %n, %t : !x, !x
}

!n = tensor<?x128xbf16, #T>
func.func @quantised(%x: !n, %d: !n, %w: tensor<128xbf16>) -> (tensor<?x1xf32, #T>, tensor<?x1xf32, #T>) {
  %s = dsv3.add %x, %d : !n
  // expected-remark-re @below {{[Passed] fuse-residual-norm{{.*}}residual addition, norm and its codes in one launch}}
  %n = dsv3.rms_norm %s, %w eps 1.0e-06 : !n, tensor<128xbf16>
  %q, %c = dsv3.quantise %n group 128 : !n -> tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  // expected-remark-re @below {{[Passed] fuse-residual-norm{{.*}}norm and its codes in one launch}}
  %m = dsv3.rms_norm %x, %w eps 1.0e-06 : !n, tensor<128xbf16>
  %r, %e = dsv3.quantise %m group 128 : !n -> tensor<?x128xf8E4M3FN, #T>, tensor<?x1xf32, #T>
  return %c, %e : tensor<?x1xf32, #T>, tensor<?x1xf32, #T>
}

func.func @widened(%x: !n, %d: !n, %w: tensor<128xbf16>) -> (!x, !x) {
  // expected-remark-re @below {{[Passed] fuse-residual-norm{{.*}}norm and its cast in one launch}}
  %n = dsv3.rms_norm %x, %w eps 1.0e-06 : !n, tensor<128xbf16>
  %c = dsv3.cast %n : !n -> !x
  %s = dsv3.add %x, %d : !n
  // expected-remark-re @below {{[Passed] fuse-residual-norm{{.*}}residual addition, norm and its cast in one launch}}
  %m = dsv3.rms_norm %s, %w eps 1.0e-06 : !n, tensor<128xbf16>
  %e = dsv3.cast %m : !n -> !x
  return %c, %e : !x, !x
}
