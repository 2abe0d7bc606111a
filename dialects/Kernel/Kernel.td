//===- Kernel.td - the kern dialect, whole ---------------------*- tablegen -*-===//
include "KernelBase.td"
include "OpsStructure.td"
include "OpsCore.td"
