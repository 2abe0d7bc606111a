//===- Guard.cpp - exceptions as failures ---------------------------------===//
#include "dsv3/Support/Guard.h"

#include <exception>
#include <new>

namespace dsv3 {

Status guarded(const std::function<Status()> &work) {
  try {
    return work();
  } catch (const std::bad_alloc &) {
    return Failure{noMemory};
  } catch (const std::exception &exception) {
    return Failure{std::string("stopped by a mistake of the program: ") + exception.what(), "",
                   "please report it, with the command line"};
  }
}

} // namespace dsv3
