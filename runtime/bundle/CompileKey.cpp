//===- CompileKey.cpp - what a compiled bundle depends on -----------------===//
#include "runtime/bundle/CompileKey.h"

#include "dsv3/Plan/Families.h"
#include "dsv3/Plan/PlanFile.h"
#include "dsv3/Support/Hash.h"

#include <system_error>

namespace dsv3::runtime {

CompileKey CompileKey::of(const CompileRequest &request, const std::filesystem::path &compiler) {
  CompileKey key;
  key.inputFlag = request.inputFlag;
  key.identity = request.identity;
  key.variant = request.variant;
  key.planFormat = plan::planFormatVersion;
  key.families = plan::familyTableHash();
  key.options = request.options;
  std::error_code ignored;
  key.compilerBytes = std::filesystem::file_size(compiler, ignored);
  key.compilerDate = std::filesystem::last_write_time(compiler, ignored).time_since_epoch().count();
  return key;
}

std::string CompileKey::name() const {
  Hasher128 hasher;
  auto add = [&](std::string_view text) {
    hasher.update(uint64_t(text.size()));
    hasher.update(text);
  };
  add(inputFlag);
  add(identity);
  add(variant);
  hasher.update(planFormat);
  add(families);
  hasher.update(compilerBytes);
  hasher.update(uint64_t(compilerDate));
  for (const std::string &option : options) {
    add(option);
  }
  return hasher.finish().hex();
}

} // namespace dsv3::runtime
