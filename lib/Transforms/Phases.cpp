//===- Phases.cpp - what the phases of compilation are called -------------===//
#include "dsv3/Transforms/Phases.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace dsv3 {

std::string phaseList(Phase last) {
  return llvm::join(llvm::ArrayRef(phaseNames).take_front(static_cast<size_t>(last) + 1), ", ");
}

std::optional<Phase> phaseFromName(llvm::StringRef wanted) {
  const auto *found = llvm::find(phaseNames, wanted);
  return found == phaseNames.end() ? std::nullopt
                                   : std::optional(static_cast<Phase>(found - phaseNames.begin()));
}

} // namespace dsv3
