//===- DeviceHeaders.cpp - the device headers as text ---------------------===//
//
// The texts are in a file that EmbedHeaders.cmake writes.
//
//===----------------------------------------------------------------------===//

#include "runtime/kernels/DeviceHeaders.h"

#include "dsv3/Support/Hash.h"

using namespace dsv3;
using namespace dsv3::runtime;

static std::string hashOfAll() {
  Hasher128 hasher;
  for (const DeviceHeader &header : deviceHeaders()) {
    for (std::string_view part : {header.name, header.text}) {
      hasher.update(uint64_t(part.size()));
      hasher.update(part);
    }
  }
  return hasher.finish().hex();
}

const std::string &runtime::deviceHeadersHash() {
  static const std::string hash = hashOfAll();
  return hash;
}
