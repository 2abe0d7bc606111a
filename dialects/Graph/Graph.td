//===- Graph.td - the dsv3 dialect, whole ----------------------*- tablegen -*-===//
include "Graph/GraphBase.td"
include "Graph/OpsDense.td"
include "Graph/OpsAttention.td"
include "Graph/OpsExperts.td"
include "Graph/OpsStep.td"
