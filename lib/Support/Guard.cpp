//===- Guard.cpp - exceptions as failures ---------------------------------===//
#include "dsv3/Support/Guard.h"

#include <exception>
#include <new>
#include <system_error>

namespace dsv3 {

Status guarded(const std::function<Status()> &work) {
  try {
    return work();
  } catch (const std::bad_alloc &) {
    return Failure{noMemory};
  } catch (const std::system_error &error) {
    return Failure{std::string("the system refuses what the program needs: ") + error.what(), "",
                   "raise the limits of threads, memory and open files (ulimit -u, -v, -n), or end "
                   "other programs"};
  } catch (const std::exception &exception) {
    return Failure{std::string("stopped by a mistake of the program: ") + exception.what(), "",
                   "please report it, with the command line"};
  }
}

} // namespace dsv3
