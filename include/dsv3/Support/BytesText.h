//===- BytesText.h - a number of bytes for people ---------------*- C++ -*-===//
//
// One spelling for all tools, so that what dsv3-compile foretells can be compared with
// what dsv3-run says.
//
//===----------------------------------------------------------------------===//
#pragma once

#include <cstdint>
#include <string>

namespace dsv3 {

/// "1.5 GiB", "640.0 KiB", "12 bytes".
std::string bytesText(uint64_t bytes);

} // namespace dsv3
