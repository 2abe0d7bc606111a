// RUN: dsv3-opt %s --dsv3-outline-kernels --remarks-filter=dsv3 --verify-diagnostics

#T = #dsv3.dims<"T">
!x = tensor<?x128xf32, #T>

func.func @decode(%x: !x) -> tensor<?x64xf32, #T> {
  // expected-remark-re @below {{[Passed] outline-kernels{{.*}}a launch of the new kernel @decode.sum}}
  %g = kern.group "sum" -> !x {
    %s = dsv3.add %x, %x : !x
    kern.yield %s : !x
  }
  // expected-remark-re @below {{[Passed] outline-kernels{{.*}}one more launch of the equal kernel @decode.sum}}
  %h = kern.group "sum" -> !x {
    %s = dsv3.add %g, %g : !x
    kern.yield %s : !x
  }
  // expected-remark-re @+2 {{[Analysis] outline-kernels{{.*}}'dsv3.silu_mul' is a kernel of its own: no pass before grouped it}}
  // expected-remark-re @+1 {{[Passed] outline-kernels{{.*}}a launch of the new kernel @decode.silu_mul}}
  %y = dsv3.silu_mul %h : !x
  return %y : tensor<?x64xf32, #T>
}

// One that no fusion is for says the same.
func.func @prefill(%experts: tensor<?x4xi32, #T>) -> tensor<17xi32> {
  // expected-remark-re @+2 {{[Analysis] outline-kernels{{.*}}'dsv3.dispatch' is a kernel of its own: no pass before grouped it}}
  // expected-remark-re @+1 {{[Passed] outline-kernels{{.*}}a launch of the new kernel @prefill.dispatch}}
  %offsets, %rows, %slots = dsv3.dispatch %experts experts 16 : tensor<?x4xi32, #T>
  return %offsets : tensor<17xi32>
}
