//===- HostMemory.h - buffers in the memory of the host ---------*- C++ -*-===//
//
// For drivers whose device memory is the host's.
//
//===----------------------------------------------------------------------===//
#pragma once

#include "runtime/hal/Device.h"

namespace dsv3::runtime {

/// `visible`: the buffer says where it is for the host. See Device for the rest.
Expected<std::unique_ptr<Buffer>> allocateOnHost(int64_t bytes, std::string_view what,
                                                 bool visible);
Status uploadToHost(Buffer &to, int64_t offset, std::span<const std::byte> from);
Status copyOnHost(Buffer &to, const Buffer &from);
Status downloadFromHost(std::span<std::byte> to, const Buffer &from, int64_t offset);

} // namespace dsv3::runtime
