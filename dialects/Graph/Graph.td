//===- Graph.td - the dsv3 dialect, whole ----------------------*- tablegen -*-===//
include "GraphBase.td"
include "OpsDense.td"
include "OpsAttention.td"
include "OpsExperts.td"
include "OpsStep.td"
