//===- MappedFault.h - mapped files that become shorter ---------*- C++ -*-===//
#pragma once

namespace dsv3::runtime {

/// From now on, where a mapped file cannot be read because it became shorter meanwhile
/// (SIGBUS), the process says that on stderr, with the file's name if MappingNames.h knows
/// it, and ends with exit code 128 + SIGBUS. `program` begins the line; it must live on.
void explainMappedFaults(const char *program);

} // namespace dsv3::runtime
