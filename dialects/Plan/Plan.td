//===- Plan.td - the plan dialect, whole -----------------------*- tablegen -*-===//
include "Plan/PlanBase.td"
include "Plan/OpsTables.td"
include "Plan/OpsProgram.td"
