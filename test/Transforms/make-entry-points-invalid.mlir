// RUN: not dsv3-opt %s --dsv3-make-entry-points="rows=16 chunk=8" 2>&1 | FileCheck %s
// RUN: not dsv3-opt %s --dsv3-make-entry-points="rows=0" 2>&1 | FileCheck %s --check-prefix=ROWS

// CHECK: error: a chunk must hold at least the rows of an absorbed step: found chunk 8 and rows 16; raise chunk or lower rows
// ROWS: error: a chunk must hold at least the rows of an absorbed step: found chunk 512 and rows 0

func.func @forward() attributes {dsv3.entry = {role = "step"}} {
  return
}

// RUN: dsv3-opt %s --dsv3-make-entry-points | not dsv3-opt --dsv3-make-entry-points 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: error: expected an entry of no bucket yet, found one with sizes; run dsv3-make-entry-points once, on an imported module
