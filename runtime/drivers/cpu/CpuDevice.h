//===- CpuDevice.h - the CPUs of this machine as a device -------*- C++ -*-===//
//
// Kernels are functions of a shared object (ABI: dsv3/Plan/Kernel.h). One thread team
// runs a whole program, launch by launch; the tiles of a launch are dealt out to the
// threads (TileQueue.h). Which thread computes a tile has no influence on its result.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/drivers/cpu/ThreadTeam.h"
#include "runtime/hal/Device.h"

#include <memory>

namespace dsv3::runtime {

/// Fails if the team cannot be started.
Expected<std::unique_ptr<Device>> createCpuDevice(const TeamOptions &options);

} // namespace dsv3::runtime
