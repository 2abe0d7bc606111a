//===- ContextRoom.cpp - how much text a model has room for ---------------===//

#include "runtime/session/ContextRoom.h"

using namespace dsv3::runtime;

std::string ContextRoom::hint(const std::string &remedy) const {
  if (tokens < compiled) {
    return remedy + ", or give --context more tokens, up to " + std::to_string(compiled);
  }
  if (positions && compiled >= *positions) {
    return remedy + "; the model has positions for no more";
  }
  return remedy + ", or compile the model for more: dsv3-compile --context N" +
         (positions ? ", up to " + std::to_string(*positions) : "");
}
