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
