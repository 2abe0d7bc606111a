//===- Common.h - what the files of lib/Transforms share --------*- C++ -*-===//
#pragma once

#include "Graph/Extent.h"
#include "Graph/Graph.h"
#include "Kernel/Kernel.h"
#include "dsv3/Transforms/Passes.h"
#include "dsv3/Transforms/Remarks.h"
