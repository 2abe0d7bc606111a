//===- Kernel.td - the kern dialect, whole ---------------------*- tablegen -*-===//
include "Kernel/KernelBase.td"
include "Kernel/OpsStructure.td"
include "Kernel/OpsCore.td"
